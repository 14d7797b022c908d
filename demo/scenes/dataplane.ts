/** Who carried the packets: counters of the vASIC, of the TAPs and of the router's kernel around one iperf3 run. */
import type { PortView } from '../../src/control/types';
import { forwardedPackets, linkCounters } from '../../lab/node';
import { PORTS, tapName } from '../../lab/plan';
import type { Topology } from '../../lab/topology';
import { capture, iperf, pingOnce } from '../../lab/traffic';
import { sleep } from '../../lab/wait';
import { commandLine } from './report';
import { forwardedCommand, routerCommand, type Scene } from './scene';

/** Seconds of each iperf3 run. */
export const IPERF_SECONDS = 5;

/** Packets that the routing protocol, ARP and neighbor discovery may send over four TAPs meanwhile: about 10 a second, with room. */
const CONTROL_PACKETS = 200;

interface Counters {
  readonly ports: readonly PortView[];
  readonly sent: number;
  readonly received: number;
  readonly tapPackets: number;
  readonly tapBytes: number;
  readonly forwarded: number;
}

async function count(topology: Topology): Promise<Counters> {
  // The bridge reads the vASIC's counters about once a second.
  await sleep(1500);
  const taps = await Promise.all(PORTS.map((port) => linkCounters(topology.router, tapName(port))));
  const [destination, source] = topology.vrouters;
  return {
    ports: await topology.bridge.ports(),
    sent: (await linkCounters(source!, 'veth')).txPackets,
    received: (await linkCounters(destination!, 'veth')).rxPackets,
    tapPackets: taps.reduce((sum, tap) => sum + tap.rxPackets + tap.txPackets, 0),
    tapBytes: taps.reduce((sum, tap) => sum + tap.rxBytes + tap.txBytes, 0),
    forwarded: await forwardedPackets(topology.router, topology.plan.family),
  };
}

const traffic = (counters: Counters, port: number, direction: 'input' | 'output') => {
  const view = counters.ports.find((one) => one.index === port)?.[direction];
  return { packets: view?.packets ?? 0, bytes: view?.bytes ?? 0 };
};

const mega = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/** What the lines of a capture may be; the first match counts. */
const KINDS: readonly (readonly [string, RegExp])[] = [
  ['ARP', /^ARP,/],
  ['OSPF', /OSPFv[23]/],
  ['IS-IS', /^IS-IS,/],
  ['BGP', /^IP6? \S+\.179 > | > \S+\.179: /],
  ['ICMPv6', /^IP6 .*(ICMP6|HBH)/],
  ['IGMP', /^IP .*(igmp)/],
  ['ICMP', /^IP .* ICMP /],
];

/** Sorts the lines of a capture; whatever is none of the control protocols is data. */
export function classify(lines: readonly string[]): ReadonlyMap<string, number> {
  const kinds = new Map<string, number>();
  for (const line of lines) {
    const kind = KINDS.find(([, pattern]) => pattern.test(line))?.[0] ?? 'data';
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return kinds;
}

export const dataplane: Scene = {
  title: 'iperf3 from vrouter1 to vrouter0: the vASIC carries it, Linux does not see it',
  play: async (stage) => {
    const { report, topology, figures } = stage;
    const { loopback } = topology.plan;
    const { packetKind } = topology.protocol;
    const [vrouter0, vrouter1] = topology.vrouters;
    const before = await count(topology);
    const tcpdump = await capture(topology.router, 'tap0');
    const run = await iperf({
      client: vrouter1!,
      clientAddress: loopback(1),
      server: vrouter0!,
      serverAddress: loopback(0),
      seconds: IPERF_SECONDS,
    });
    figures.throughVasic = run.bitsPerSecond;
    const lines = await tcpdump.stop();
    const after = await count(topology);

    const command = commandLine(vrouter1!, run.argv);
    report.say(`server: ${commandLine(vrouter0!, ['iperf3', '-s', '-1', '-B', loopback(0)])}`);
    report.showOutput(
      command,
      `${mega(run.bytes)} in ${run.seconds.toFixed(1)} s: ${(run.bitsPerSecond / 1e9).toFixed(2)} Gbit/s, ${run.retransmits} retransmits`,
    );
    await report.expect({
      name: 'the stream arrives',
      command,
      look: () => ({ ok: run.bytes > 1e6, observed: `${mega(run.bytes)} in ${run.seconds.toFixed(1)} s` }),
    });

    const grew = (port: number, direction: 'input' | 'output') => {
      const [a, b] = [traffic(before, port, direction), traffic(after, port, direction)];
      return { packets: b.packets - a.packets, bytes: b.bytes - a.bytes };
    };
    const input = grew(1, 'input');
    const output = grew(0, 'output');
    const sent = after.sent - before.sent;
    const received = after.received - before.received;
    const ports = routerCommand(stage, 'fpm2afi', 'show', 'ports');
    await report.show(topology.router, ['fpm2afi', 'show', 'ports']);
    await report.expect({
      name: 'the vASIC received the flow on p1: at least its bytes, and the packets that vrouter1 sent',
      command: ports,
      look: () => ({
        ok: input.bytes >= run.bytes && input.packets >= 0.9 * sent,
        observed: `p1 in: +${input.packets} packets, +${mega(input.bytes)}; vrouter1 sent ${sent} packets; payload ${mega(run.bytes)}`,
      }),
    });
    await report.expect({
      name: 'the vASIC sent the flow out of p0: at least its bytes, and the packets that vrouter0 received',
      command: ports,
      look: () => ({
        ok: output.bytes >= run.bytes && output.packets >= 0.9 * received,
        observed: `p0 out: +${output.packets} packets, +${mega(output.bytes)}; vrouter0 received ${received} packets`,
      }),
    });
    const tapPackets = after.tapPackets - before.tapPackets;
    const tapBytes = after.tapBytes - before.tapBytes;
    await report.expect({
      name: 'the TAPs saw control traffic only',
      command: routerCommand(stage, 'ip', '-s', 'link', 'show', 'dev', 'tap0'),
      look: () => ({
        ok: tapPackets <= CONTROL_PACKETS && tapBytes < run.bytes / 100,
        observed: `tap0 to tap3: +${tapPackets} packets, +${tapBytes} bytes (at most ${CONTROL_PACKETS} packets expected)`,
      }),
    });
    const forwarded = after.forwarded - before.forwarded;
    await report.expect({
      name: "the router's kernel forwarded nothing of it",
      command: forwardedCommand(stage),
      look: () => ({ ok: forwarded <= 20, observed: `forwarded +${forwarded} (at most 20 expected)` }),
    });

    report.showOutput(routerCommand(stage, ...tcpdump.argv), lines.slice(0, 6).join('\n'));
    const kinds = classify(lines);
    await report.expect({
      name: 'tcpdump on tap0 meanwhile: control packets only',
      command: routerCommand(stage, ...tcpdump.argv),
      look: () => ({
        ok: (kinds.get(packetKind) ?? 0) > 0 && (kinds.get('data') ?? 0) === 0,
        observed: [...kinds].map(([kind, packets]) => `${packets} ${kind}`).join(', ') || 'no packets at all',
      }),
    });
  },
};

export const ttl: Scene = {
  title: 'The TTL: a packet that expires is answered by the router, not lost in the vASIC',
  play: async (stage) => {
    const { report, topology } = stage;
    const { loopback, routerAddress } = topology.plan;
    const vrouter1 = topology.vrouters[1]!;
    const probe = (hops: number) => pingOnce(hops, loopback(1), loopback(0));
    await report.expect({
      name: `TTL 1 expires at the router (${routerAddress(1)})`,
      command: commandLine(vrouter1, probe(1)),
      timeoutMs: 5_000,
      look: async () => {
        const output = (await vrouter1.exec(probe(1))).stdout;
        const line = output.split('\n').find((one) => /Time to live exceeded|Hop limit/.test(one)) ?? '';
        return {
          ok: line.startsWith(`From ${routerAddress(1)} `),
          observed: line || 'nothing of an exceeded TTL',
          output,
        };
      },
    });
    await report.expect({
      name: 'TTL 2 arrives, one hop further',
      command: commandLine(vrouter1, probe(2)),
      timeoutMs: 5_000,
      look: async () => {
        const output = (await vrouter1.exec(probe(2))).stdout;
        const line = output.split('\n').find((one) => one.includes('bytes from')) ?? '';
        // vrouter0 answers with TTL 64, of which the vASIC took one.
        return { ok: line.includes('ttl=63'), observed: line || 'no answer', output };
      },
    });
  },
};
