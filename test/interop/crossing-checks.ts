/**
 * One packet there and one back for each crossing (crossings.ts), in both families: what is on each link on its way, with which labels and
 * TTLs, and that the packet behind them stays the same.
 */
import type { Observation } from '../../demo/scenes/report';
import { waitFor } from '../../lab/wait';
import { CROSSINGS, type Crossing } from './crossings';
import { unchanging } from './labelled-packet';
import type { LinkPacket } from './link-capture';
import { packetsOf, pingFrom, rowOf, type Observed } from './observed';
import { twin, V6 } from './plan';
import type { Stage } from './topology';

/** Plays them all. */
export async function playCrossings(observed: Observed): Promise<void> {
  for (const crossing of CROSSINGS) for (const one of [crossing, crossing6(crossing)]) await cross(observed, one);
}

/** The same crossing in IPv6. */
function crossing6(crossing: Crossing): Crossing {
  const rows = (all: readonly string[]): readonly string[] =>
    all.map((row) => row.replace(/\b(\d+):/g, (_all, label: string) => `${label === '0' ? 2 : Number(label) + V6}:`));
  return {
    ...crossing,
    ...{ name: `${crossing.name} (IPv6)`, source: twin(crossing.source), target: twin(crossing.target) },
    ...{ request: rows(crossing.request), reply: rows(crossing.reply) },
  };
}

/** Pings until it is answered: neighbors are resolved by then. */
async function untilAnswered(stage: Stage, crossing: Crossing): Promise<void> {
  const { source, target } = crossing;
  const look = async () => (await pingFrom(stage, crossing).run()).answered;
  await waitFor(look, { timeoutMs: 15_000, what: `${target} to answer ${source}` });
}

async function cross(observed: Observed, crossing: Crossing): Promise<void> {
  const { stage, report, links } = observed;
  const { name, source, target } = crossing;
  const { command, run } = pingFrom(stage, crossing);
  const look = async (): Promise<Observation> => {
    await untilAnswered(stage, crossing);
    const mark = links.mark();
    const pinged = await run();
    const expected = [...crossing.request, ...crossing.reply];
    const between = (): readonly LinkPacket[] => packetsOf(links.since(mark), source, target);
    await waitFor(() => between().length >= expected.length, { timeoutMs: 3000, what: 'all packets' }).catch(() => {});
    const packets = between();
    const rows = packets.map(rowOf);
    const untouched = sameBytes(packets);
    const ok = pinged.ttl === crossing.ttl && rows.join() === expected.join() && untouched === '';
    const wanted = ok ? '' : `; expected ${expected.join(', ')}, TTL ${crossing.ttl}`;
    const bytes = untouched === '' ? 'the packet itself unchanged' : untouched;
    return { ok, observed: `${rows.join(', ')}; answered with TTL ${pinged.ttl ?? 'none'}; ${bytes}${wanted}` };
  };
  // What a busy machine lost is tried again; what is wrong stays wrong.
  await report.expect({ name, command, look, timeoutMs: 5000 });
}

/** What is wrong with the IP packets behind the labels, each compared with the first of its kind; '': nothing. */
function sameBytes(packets: readonly LinkPacket[]): string {
  const first = new Map<string, string>();
  for (const packet of packets) {
    const { ip } = packet;
    if (ip === undefined) return `${rowOf(packet)}: no IP packet`;
    const { hex, checksumRight } = unchanging(ip.bytes);
    if (!checksumRight) return `${rowOf(packet)}: wrong IPv4 checksum`;
    const before = first.get(ip.kind);
    if (before === undefined) first.set(ip.kind, hex);
    else if (before !== hex) return `${rowOf(packet)}: ${hex} was ${before}`;
  }
  return '';
}
