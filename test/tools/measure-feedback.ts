/**
 * Measures what zebra shows of route status sent back over FPM: docs/fpm-feedback.md is made from this program's output.
 * Usage: measure-feedback.js (as root; FRR_ROOT names FRR's root folder).
 */
import { createServer, type Socket } from 'node:net';
import type { RouteStatus } from '../../src/fib/updates';
import { MAX_STATUS_FRAME, writeStatus } from '../../src/fpm/status';
import { parsePrefix } from '../../src/net/address';
import { sleep } from '../../lab/wait';
import { addPort, Frr, inNamespace, ip, until } from './frr-root';

interface Step {
  readonly status: RouteStatus;
  readonly table?: number;
  readonly mode?: 'table' | 'vrf';
  readonly protocol?: number;
}

const print = (line: string): boolean => process.stdout.write(`${line}\n`);

/** What vtysh shows of a prefix: the line's code letters, and the fields of the JSON that tell of status. */
function shown(frr: Frr, prefix: string): string {
  const family = prefix.includes(':') ? 'ipv6' : 'ip';
  const line = frr
    .vtysh(`show ${family} route`)
    .split('\n')
    .find((text) => text.includes(` ${prefix} `));
  const json = JSON.parse(frr.vtysh(`show ${family} route ${prefix} json`)) as Record<
    string,
    Record<string, unknown>[]
  >;
  const entries = Object.values(json)
    .flat()
    .map((entry) => {
      const keys = ['protocol', 'selected', 'installed', 'queued', 'offloaded', 'trapped', 'failed'];
      const flags = keys.filter((key) => key in entry).map((key) => `${key}=${String(entry[key])}`);
      const fib = (entry['nexthops'] as Record<string, unknown>[]).map((nexthop) => (nexthop['fib'] === true ? 1 : 0));
      return `${flags.join(' ')} fib=[${fib.join()}]`;
    });
  return `"${line?.slice(0, line.indexOf(prefix)).trimEnd()}"  ${entries.join(' | ')}`;
}

async function measure(frr: Frr, nhg: boolean): Promise<void> {
  let peer: Socket | undefined;
  let received = 0;
  const server = createServer((socket) => {
    peer = socket;
    socket.on('data', (chunk) => (received += chunk.length));
  }).listen(2620, '127.0.0.1');
  await frr.start(['-M', 'dplane_fpm_nl', '--asic-offload=notify_on_offload']);
  frr.configure(nhg ? 'fpm use-next-hop-groups' : 'no fpm use-next-hop-groups', 'fpm address 127.0.0.1');
  await until('zebra to connect', () => peer !== undefined);
  const one = ['10.0.0.2', '2001:db8::2'];
  let made = 0;
  /** A static route that no step has touched yet. */
  const fresh = (family: number, suffix = ''): string => {
    made++;
    const prefix = family === 4 ? `198.18.${made}.0/24` : `2001:db8:${made.toString(16)}::/48`;
    const command = `${family === 4 ? 'ip' : 'ipv6'} route ${prefix} `;
    const via = suffix === '' ? [one[family === 4 ? 0 : 1]!] : suffix.split(',');
    frr.configure(...via.map((hop) => command + hop));
    return prefix;
  };
  const report = async (prefix: string, step: Step): Promise<void> => {
    const parsed = parsePrefix(prefix)!;
    const buffer = Buffer.alloc(MAX_STATUS_FRAME);
    const { table = 254, protocol = 196, status } = step;
    const end = writeStatus(buffer, 0, { ...parsed, table, protocol, status }, step.mode ?? 'table');
    received = 0;
    peer!.write(buffer.subarray(0, end));
    await sleep(400);
    if (received > 0) print(`  (zebra answered with ${received} bytes)`);
  };
  const run = async (title: string, prefix: string, ...steps: Step[]): Promise<void> => {
    await sleep(600);
    print(`\n${title} (${prefix})`);
    print(`  before      ${shown(frr, prefix)}`);
    for (const step of steps) {
      await report(prefix, step);
      print(`  ${step.status.padEnd(10)}  ${shown(frr, prefix)}`);
    }
  };
  const [off, trap, fail] = (['offloaded', 'unresolved', 'failed'] as const).map((status) => ({ status }));
  print(`\n=== FRR ${frr.version()}, ${nhg ? 'nexthop groups' : 'inline nexthops'} ===`);
  for (const family of [4, 6]) {
    await run(`IPv${family} static`, fresh(family), off!, trap!, fail!, off!);
    await run(`IPv${family} static`, fresh(family), trap!, off!, fail!, trap!);
    await run(`IPv${family} static`, fresh(family), fail!, off!, fail!);
  }
  const both = { status: 'trapped' } as const;
  await run('OFFLOAD and TRAP in one', fresh(4), both, fail!, both);
  await run('ECMP', fresh(4, '10.0.0.2,10.0.1.2'), off!, trap!);
  await run('blackhole', fresh(4, 'blackhole'), off!);
  const changed = fresh(4);
  await run('replaced route: first content', changed, trap!, off!);
  frr.configure(`ip route ${changed} 10.0.1.2`, `no ip route ${changed} 10.0.0.2`);
  await run('replaced route: second content', changed, off!);
  await run('table given as VRF 0', fresh(4), { status: 'offloaded', mode: 'vrf' }, off!);
  await run('wrong protocol (188), then right', fresh(4), { status: 'offloaded', protocol: 188 }, off!);
  await run('connected', '10.0.0.0/24', { status: 'offloaded', protocol: 2 }, { status: 'failed', protocol: 2 });
  await run('local', '10.0.0.1/32', { status: 'unresolved', protocol: 2 });
  ip('route add 203.0.113.0/25 via 10.0.0.2');
  await run('kernel, metric 0', '203.0.113.0/25', { status: 'offloaded', protocol: 2 });
  ip('route add 203.0.113.128/25 via 10.0.0.2 metric 50');
  await run('kernel, metric 50', '203.0.113.128/25', { status: 'offloaded', protocol: 2 });
  ip('route del 203.0.113.0/25');
  ip('route del 203.0.113.128/25');
  print('\nWhat was reported to staticd:');
  for (const line of frr.log().split('\n')) if (line.includes('route_notify_owner')) print(`  ${line.slice(20)}`);
  peer!.destroy();
  server.close();
  await frr.stop();
}

inNamespace('f2a-fpm-meas', async () => {
  ip('link set lo up');
  addPort('tap0', '10.0.0.1/24', '2001:db8::1/64');
  addPort('tap1', '10.0.1.1/24', '2001:db8:0:1::1/64');
  const frr = new Frr();
  try {
    for (const nhg of [true, false]) await measure(frr, nhg);
  } finally {
    await frr.stop();
  }
});
