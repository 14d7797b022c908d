/**
 * Makes the fixtures of test/fixtures/fpm: what a real zebra writes to its FPM socket, byte by byte.
 * Usage: capture-fpm.js OUTPUT-DIRECTORY PREFIX (as root; FRR_ROOT names FRR's root folder).
 *
 * For each of zebra's modules there come PREFIX-MODULE.bin, the stream of one connection while routes are configured,
 * changed and deleted; PREFIX-MODULE-replay.bin, what zebra sends when the server has gone and come back; and a .json of each
 * with FRR's version, the commands in order, and zebra's own views of its routes, each with the length of the stream until
 * then: what the decoded stream must add up to.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { sleep } from '../../lab/wait';
import { addPort, Frr, inNamespace, ip, until } from './frr-root';

interface Module {
  readonly name: string;
  readonly args: readonly string[];
  readonly configure: readonly string[];
}

const MODULES: readonly Module[] = [
  {
    name: 'dplane',
    args: ['-M', 'dplane_fpm_nl'],
    configure: ['fpm use-next-hop-groups', 'fpm address 127.0.0.1'],
  },
  {
    name: 'dplane-inline',
    args: ['-M', 'dplane_fpm_nl'],
    configure: ['no fpm use-next-hop-groups', 'fpm address 127.0.0.1'],
  },
  { name: 'fpm', args: ['-M', 'fpm:netlink'], configure: [] },
];

/** In order. `!` runs a shell command, `#` waits until zebra is silent, `?` does too and notes its view of the routes. */
const STEPS: readonly string[] = [
  'zebra nexthop-group keep 1',
  '#',
  'ip route 198.18.1.0/24 10.0.0.2',
  'ip route 198.18.2.0/24 10.0.0.2',
  'ip route 198.18.2.0/24 10.0.1.2',
  'ip route 198.18.3.0/24 10.0.0.2 weight 1',
  'ip route 198.18.3.0/24 10.0.1.2 weight 3',
  'ip route 198.18.4.0/24 blackhole',
  'ip route 198.18.5.0/24 reject',
  'ip route 198.18.6.0/24 tap1',
  'ip route 198.18.7.0/24 198.18.1.1',
  'ip route 198.18.8.0/24 10.0.0.2 table 1000',
  'ip route 198.18.9.0/24 10.0.0.2 label 100/200',
  'ip route 198.18.10.1/32 192.0.2.9 tap1 onlink',
  'ip route 0.0.0.0/0 10.0.0.2',
  'ipv6 route 2001:db8:1::/48 2001:db8::2',
  'ipv6 route 2001:db8:2::/48 2001:db8::2',
  'ipv6 route 2001:db8:2::/48 2001:db8:0:1::2',
  'ipv6 route 2001:db8:3::/48 fe80::2 tap0',
  'ipv6 route 2001:db8:4::/48 blackhole',
  'ipv6 route 2001:db8:5::/48 2001:db8::2 segments 2001:db8:f::1/2001:db8:f::2',
  'ipv6 route ::/0 2001:db8::2',
  '#',
  '!ip route add 203.0.113.0/25 nexthop via 10.0.0.2 weight 2 nexthop via 10.0.1.2 weight 5',
  '!ip route add prohibit 198.51.100.0/24',
  '#',
  'ip route 198.18.1.0/24 10.0.1.2',
  'no ip route 198.18.1.0/24 10.0.0.2',
  '#',
  'no ip route 198.18.2.0/24 10.0.1.2',
  'no ip route 198.18.4.0/24 blackhole',
  'no ip route 0.0.0.0/0 10.0.0.2',
  'no ipv6 route 2001:db8:1::/48 2001:db8::2',
  '?',
  '!ip link set tap1 down',
  '#',
  '?',
];

interface Nexthop {
  readonly ip?: string;
  readonly interfaceIndex?: number;
  readonly fib?: boolean;
  readonly active?: boolean;
  readonly recursive?: boolean;
  readonly duplicate?: boolean;
  readonly weight?: number;
  readonly blackhole?: boolean;
  readonly reject?: boolean;
  readonly adminProhibited?: boolean;
}
interface Route {
  readonly protocol: string;
  readonly selected?: boolean;
  readonly destSelected?: boolean;
  readonly nexthops: readonly Nexthop[];
}

/** zebra's selected routes: `prefix table` to protocol and nexthops, `gateway@ifindex*weight`. */
function routesOf(frr: Frr): Record<string, string> {
  const view: Record<string, string> = {};
  for (const [command, table] of [
    ['show ip route json', 254],
    ['show ipv6 route json', 254],
    ['show ip route table 1000 json', 1000],
  ] as const) {
    let all: Record<string, Route[]> = {};
    try {
      all = JSON.parse(frr.vtysh(command)) as Record<string, Route[]>;
    } catch {
      process.stderr.write(`no "${command}" in this FRR\n`);
    }
    for (const [prefix, entries] of Object.entries(all)) {
      const route = entries.find((entry) => entry.destSelected ?? entry.selected);
      if (!route) continue;
      const ways = route.nexthops
        .filter((nexthop) => nexthop.active && !nexthop.recursive && !nexthop.duplicate)
        .map((nexthop) => {
          if (nexthop.blackhole) return 'blackhole';
          if (nexthop.reject) return 'unreachable';
          if (nexthop.adminProhibited) return 'prohibit';
          return `${nexthop.ip ?? 'direct'}@${nexthop.interfaceIndex ?? 0}*${nexthop.weight ?? 1}`;
        });
      view[`${prefix} ${table}`] = `${route.protocol} ${ways.sort().join(' ')}`;
    }
  }
  return view;
}

async function capture(frr: Frr, module: Module, directory: string, prefix: string): Promise<void> {
  let chunks: Buffer[] = [];
  let peer: Socket | undefined;
  let last = 0;
  const listen = () =>
    createServer((socket) => {
      peer = socket;
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        chunks.push(chunk);
        last = Date.now();
      });
    }).listen(2620, '127.0.0.1');
  const silence = async (): Promise<void> => {
    await sleep(1000);
    await until('zebra to be silent', () => Date.now() - last > 1000);
  };
  let server = listen();
  await frr.start(module.args);
  if (module.configure.length > 0) frr.configure(...module.configure);
  await until('zebra to connect', () => peer !== undefined);

  let views: { bytes: number; routes: Record<string, string> }[] = [];
  const view = (): void => {
    views.push({ bytes: chunks.reduce((sum, chunk) => sum + chunk.length, 0), routes: routesOf(frr) });
  };
  const done: string[] = [];
  const refused: string[] = [];
  for (const step of STEPS) {
    try {
      if (step === '#' || step === '?') await silence();
      else if (step.startsWith('!')) ip(step.slice('!ip '.length));
      else frr.configure(step);
      if (step === '?') view();
      else if (step !== '#') done.push(step.replace(/^!/, 'shell: '));
    } catch {
      refused.push(step.replace(/^!/, 'shell: '));
    }
  }
  const save = (name: string): void => {
    const stream = Buffer.concat(chunks);
    writeFileSync(join(directory, `${prefix}-${name}.bin`), stream);
    const description = {
      frr: frr.version(),
      module: module.args.join(' '),
      configuration: module.configure,
      captured: new Date().toISOString().slice(0, 10),
      interfaces: { lo: 1, ...Object.fromEntries(['tap0', 'tap1'].map((name) => [name, ifindex(name)])) },
      commands: done,
      refusedByThisVersion: refused,
      views,
    };
    writeFileSync(join(directory, `${prefix}-${name}.json`), `${JSON.stringify(description, null, 2)}\n`);
    process.stdout.write(`${prefix}-${name}: ${stream.length} bytes\n`);
  };
  save(module.name);

  chunks = [];
  views = [];
  server.close();
  peer!.destroy();
  peer = undefined;
  await sleep(500);
  server = listen();
  await until('zebra to connect again', () => peer !== undefined, 60000);
  await silence();
  await silence();
  view();
  save(`${module.name}-replay`);
  peer!.destroy();
  server.close();
  ip('link set tap1 up');
  ip('addr add 2001:db8:0:1::1/64 dev tap1 nodad');
  for (const route of ['203.0.113.0/25', '198.51.100.0/24']) {
    try {
      ip(`route del ${route}`);
    } catch {
      process.stderr.write(`${route} was not there\n`);
    }
  }
  await frr.stop();
}

function ifindex(name: string): number {
  return (JSON.parse(ip(`-j link show ${name}`)) as { ifindex: number }[])[0]!.ifindex;
}

const [directory, prefix] = process.argv.slice(2);
if (directory === undefined || prefix === undefined) {
  process.stderr.write('usage: capture-fpm.js OUTPUT-DIRECTORY PREFIX\n');
  process.exit(2);
}
inNamespace('f2a-fpm-capture', async () => {
  mkdirSync(directory, { recursive: true });
  ip('link set lo up');
  addPort('tap0', '10.0.0.1/24', '2001:db8::1/64');
  addPort('tap1', '10.0.1.1/24', '2001:db8:0:1::1/64');
  const frr = new Frr();
  try {
    for (const module of MODULES) await capture(frr, module, directory, prefix);
  } finally {
    await frr.stop();
  }
});
