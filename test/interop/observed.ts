/**
 * What the checks share: the stage, the links that are looked at, and pings from whoever can send them.
 */
import type { Reporter } from '../../demo/scenes/report';
import type { ExecResult } from '../../lab/exec';
import type { PuntReasonView } from '../../src/control/types';
import { describePacket } from './labelled-packet';
import type { LinkCapture, LinkPacket } from './link-capture';
import type { Stage } from './topology';

export interface Observed {
  readonly stage: Stage;
  readonly report: Reporter;
  readonly links: LinkCapture;
}

/** Who pings: a host, the machine, or its other namespace. */
export type Pinger = 'host0' | 'machine' | 'far';

export interface PingOptions {
  readonly ttl?: number;
  /** Bytes behind the ICMP header. */
  readonly size?: number;
  readonly dontFragment?: boolean;
}

/** What came of a ping. */
export interface Pinged {
  readonly answered: boolean;
  readonly text: string;
  /** TTL of the reply. */
  readonly ttl: number | undefined;
}

/** One ping: where and how it is typed, and what does it. */
export interface Ping {
  readonly command: string;
  /** Waits a second for the answer. */
  readonly run: () => Promise<Pinged>;
}

/** One ping from an address that the pinger has. */
export function pingFrom(
  stage: Stage,
  { from, source, target }: { readonly from: Pinger; readonly source: string; readonly target: string },
  { ttl, size, dontFragment = false }: PingOptions = {},
): Ping {
  const host = from === 'host0' ? stage.hosts.get(0)! : undefined;
  const argv = [
    ...(from === 'far' ? ['ip', 'netns', 'exec', 'far'] : []),
    ...['ping', '-c', '1', '-W', '1', '-I', source],
    ...(ttl === undefined ? [] : ['-t', String(ttl)]),
    ...(size === undefined ? [] : ['-s', String(size)]),
    // busybox's has no such option.
    ...(dontFragment && host !== undefined ? ['-M', 'do'] : []),
    target,
  ];
  const say = async (): Promise<string> =>
    host === undefined ? (await stage.machine.exec(argv.join(' '))).output : textOf(await host.exec(argv));
  const run = async (): Promise<Pinged> => {
    const text = await say();
    const found = /\bttl=(\d+)/.exec(text);
    return { text, answered: found !== null, ttl: found === null ? undefined : Number(found[1]) };
  };
  return { command: `make mpls-interop; ${host === undefined ? 'machine' : from}: ${argv.join(' ')}`, run };
}

const textOf = ({ stdout, stderr }: ExecResult): string => `${stdout}${stderr}`;

/** Port, direction and packet, as crossings.ts has it. */
export function rowOf(packet: LinkPacket): string {
  return `${packet.ifname} ${packet.out ? 'out' : 'in'} ${describePacket(packet)}`;
}

/** The echo packets between two addresses, requests first. */
export function packetsOf(all: readonly LinkPacket[], source: string, target: string): readonly LinkPacket[] {
  const is = (kind: string, from: string, to: string) => (packet: LinkPacket) =>
    packet.ip?.kind === kind && packet.ip.source === from && packet.ip.target === to;
  return [...all.filter(is('request', source, target)), ...all.filter(is('reply', target, source))];
}

/** How many packets the vASIC has handed to the host for a reason so far. */
export async function punted({ stage }: Observed, reason: string): Promise<number> {
  const shown = JSON.parse(await stage.router.must(['fpm2afi', 'show', 'punt', '--json'])) as readonly PuntReasonView[];
  return shown.find((one) => one.reason === reason)?.passed ?? 0;
}
