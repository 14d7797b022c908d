/** Playing faults and changes on the stage. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requestStatus } from '../../src/control/client';
import { portName, subnet6, wireName } from '../against-linux/plan';
import type { LabNode } from '../../lab/node';
import { portName as vasicPort, ROUTER_MGMT, VASIC_MGMT } from '../../lab/plan';
import { sleep, waitFor } from '../../lab/wait';
import type { Action } from './changes';
import type { Fault, LinkName, ProgramName } from './fault-kinds';
import { AFI_FAR, AFI_NEAR, hostOf } from './plan';
import type { Stage } from './stage';

/** Longer than vtysh waits for a stopped zebra. */
const COMMAND_MS = 30_000;
/** Nobody's: what is sent there is lost on the way. */
const NOBODY = '02:de:ad:00:00:01';
const STORM_ROUTES = 5000;
/** Neighbors that come and go while the bridge doesn't read: more than its netlink socket holds. */
const OVERFLOW_NEIGHBORS = 12_000;
const MANY_NEIGHBORS = 2000;

let batches = 0;

async function batch({ router }: Stage, lines: readonly string[]): Promise<void> {
  const file = join(router.dir, `batch-${batches++}`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  await router.exec(['ip', '-force', '-batch', file], { timeoutMs: COMMAND_MS });
  rmSync(file);
}

/** Does it. What fails is nobody's loss: a fault may have taken away what it is about. */
export async function act(stage: Stage, action: Action): Promise<void> {
  switch (action.on) {
    case 'router':
      await stage.router.exec(action.argv, { timeoutMs: COMMAND_MS });
      return;
    case 'batch':
      return batch(stage, action.lines);
    case 'host':
      stage.tell({ kind: 'host', address: action.address, generation: action.generation, announce: true });
      return;
    case 'carrier':
      await stage.wire.must(['ip', 'link', 'set', wireName('ours', action.port), action.up ? 'up' : 'down']);
      return;
  }
}

/** Begins the fault, keeps it up as long as it is to last, and ends it. */
export async function strike(stage: Stage, fault: Fault): Promise<void> {
  switch (fault.at) {
    case 'afi':
    case 'fpm':
      return strikeConnection(stage[fault.at], fault);
    case 'link':
      return dropPackets(stage, fault.link, fault.holdMs);
    case 'program':
      return fault.how === 'kill'
        ? kill(stage, fault.program, fault.holdMs)
        : halt(stage, fault.program, () => sleep(fault.holdMs));
    case 'port':
      return strikePort(stage, fault);
    case 'router':
      return fault.what === 'route-storm' ? routeStorm(stage, fault.port) : overflow(stage, fault.port);
  }
}

async function strikeConnection(
  proxy: Stage['afi'],
  { fault, holdMs }: Fault & { readonly at: 'afi' | 'fpm' },
): Promise<void> {
  if (fault.kind === 'cut') {
    for (let i = 0; i < fault.times; i++) {
      await proxy.cut();
      await sleep(holdMs / fault.times);
    }
    return;
  }
  await proxy.set(fault);
  await sleep(holdMs);
  await proxy.heal();
}

/** Both ends of a link, with the interface and the other's address. */
function ends({ router, between, vasic }: Stage, name: LinkName): readonly (readonly [LabNode, string, string])[] {
  switch (name) {
    case 'bridge':
      return [
        [router, 'afi0', AFI_NEAR.proxy],
        [between, 'near', AFI_NEAR.bridge],
      ];
    case 'vasic':
      return [
        [between, 'far', AFI_FAR.vasic],
        [vasic, 'afi0', AFI_FAR.proxy],
      ];
    case 'hostpath':
      return [
        [router, 'mgmt0', VASIC_MGMT],
        [vasic, 'mgmt0', ROUTER_MGMT],
      ];
  }
}

/** A link that loses everything without going down: each end sends to a MAC address that nobody has. */
async function dropPackets(stage: Stage, name: LinkName, holdMs: number): Promise<void> {
  const both = ends(stage, name);
  for (const [node, dev, address] of both) {
    await node.must(['ip', 'neighbor', 'replace', address, 'lladdr', NOBODY, 'dev', dev, 'nud', 'permanent']);
  }
  await sleep(holdMs);
  for (const [node, dev, address] of both) await node.must(['ip', 'neighbor', 'del', address, 'dev', dev]);
}

/** The process of a program; of the punt process, undefined while there is none. */
async function pidOf(stage: Stage, name: ProgramName): Promise<number | undefined> {
  switch (name) {
    case 'bridge':
      return stage.bridge.process().pid;
    case 'vasic':
      return stage.softvasic.process().pid;
    case 'zebra':
      return stage.frr.process('zebra').pid;
    case 'punt':
      return (await requestStatus(stage.control)).punt.process?.pid;
  }
}

async function kill(stage: Stage, name: ProgramName, holdMs: number): Promise<void> {
  switch (name) {
    case 'bridge':
    case 'vasic': {
      const program = name === 'bridge' ? stage.bridge : stage.softvasic;
      await program.process().kill('SIGKILL');
      await sleep(holdMs);
      return program.restart();
    }
    case 'zebra':
      await stage.frr.process('zebra').kill('SIGKILL');
      await sleep(holdMs);
      // As watchfrr does. A staticd that goes on (10.7.1) doesn't register its nexthops again, and zebra then keeps its routes over links that are down.
      await stage.frr.process('staticd').kill('SIGKILL');
      await stage.frr.restart('zebra');
      await stage.frr.restart('staticd');
      return;
    case 'punt': {
      // The bridge starts another.
      const before = await pidOf(stage, name);
      if (before !== undefined) process.kill(before, 'SIGKILL');
      await waitFor(
        async () => {
          const now = await pidOf(stage, name);
          return now !== undefined && now !== before;
        },
        { timeoutMs: 30_000, what: 'another punt process' },
      );
    }
  }
}

/** Stopped while `meanwhile` lasts. */
async function halt(stage: Stage, name: ProgramName, meanwhile: () => Promise<void>): Promise<void> {
  const pid = await pidOf(stage, name);
  if (pid === undefined) throw new Error(`there is no ${name} to stop`);
  process.kill(pid, 'SIGSTOP');
  try {
    await meanwhile();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

async function strikePort(stage: Stage, fault: Fault & { readonly at: 'port' }): Promise<void> {
  const { router, vasic } = stage;
  const { port, holdMs } = fault;
  const tap = portName(port);
  const own = vasicPort(port);
  switch (fault.what) {
    case 'tap-delete':
      await router.exec(['ip', 'link', 'del', tap]);
      return sleep(holdMs);
    case 'tap-rename':
      await router.exec(['ip', 'link', 'set', tap, 'down']);
      await router.exec(['ip', 'link', 'set', tap, 'name', `${tap}x`]);
      await sleep(holdMs);
      await router.exec(['ip', 'link', 'set', `${tap}x`, 'name', tap]);
      await router.exec(['ip', 'link', 'del', `${tap}x`]);
      await router.exec(['ip', 'link', 'set', tap, 'up']);
      return;
    case 'tap-down':
      await router.exec(['ip', 'link', 'set', tap, 'down']);
      await sleep(holdMs);
      await router.exec(['ip', 'link', 'set', tap, 'up']);
      return;
    case 'port-down':
      await vasic.must(['ip', 'link', 'set', own, 'down']);
      await sleep(holdMs);
      await vasic.must(['ip', 'link', 'set', own, 'up']);
      return;
    case 'port-rename':
      await vasic.must(['ip', 'link', 'set', own, 'down']);
      await vasic.must(['ip', 'link', 'set', own, 'name', `${own}x`]);
      await sleep(holdMs);
      await vasic.must(['ip', 'link', 'set', `${own}x`, 'name', own]);
      await vasic.must(['ip', 'link', 'set', own, 'up']);
      return;
    case 'carrier-flaps':
      for (let i = 0; i < 20; i++) {
        await act(stage, { on: 'carrier', port, up: i % 2 === 1 });
      }
      return;
    case 'mac-flaps':
      return flap(stage, fault, 10);
    case 'two-hosts':
      return flap(stage, fault, 100);
    case 'many-neighbors': {
      const line = (verb: string, i: number, more: string): string =>
        `neighbor ${verb} ${subnet6(port)}::${(0x1000 + i).toString(16)} dev ${tap}${more}`;
      const each = (verb: string, more: (i: number) => string): readonly string[] =>
        Array.from({ length: MANY_NEIGHBORS }, (_, i) => line(verb, i, more(i)));
      await batch(
        stage,
        each('replace', (i) => ` lladdr ${macOf(i)} nud permanent`),
      );
      await sleep(holdMs);
      return batch(
        stage,
        each('del', () => ''),
      );
    }
  }
}

const macOf = (i: number): string => `02:0a:00:00:${(i >> 8).toString(16)}:${(i & 255).toString(16)}`;

/** A host's MAC address goes to and fro, each `everyMs`, and ends as the script says. */
async function flap(
  stage: Stage,
  { address, generation, holdMs }: Fault & { readonly at: 'port' },
  everyMs: number,
): Promise<void> {
  const end = performance.now() + holdMs;
  for (let i = 0; performance.now() < end; i++) {
    await act(stage, { on: 'host', address, generation: generation + (i & 1) });
    await sleep(everyMs);
  }
  await act(stage, { on: 'host', address, generation });
}

/** Routes of the kernel that come, change and go faster than anybody reads. */
async function routeStorm(stage: Stage, port: number): Promise<void> {
  const each = (verb: string, host: number): readonly string[] =>
    Array.from({ length: STORM_ROUTES }, (_, i) => {
      const way = verb === 'del' ? '' : ` via ${hostOf(port, host, false)} dev ${portName(port)}`;
      return `route ${verb} 10.120.${i >> 6}.${(i & 63) << 2}/30${way}`;
    });
  await batch(stage, each('replace', 2));
  await batch(stage, each('replace', 3));
  await batch(stage, each('del', 0));
}

/** The bridge stands still while the kernel has more to tell than its socket holds. */
async function overflow(stage: Stage, port: number): Promise<void> {
  const each = (verb: string, more: (i: number) => string): readonly string[] =>
    Array.from(
      { length: OVERFLOW_NEIGHBORS },
      (_, i) => `neighbor ${verb} 10.3.${i >> 8}.${i & 255} dev ${portName(port)}${more(i)}`,
    );
  await halt(stage, 'bridge', async () => {
    await batch(
      stage,
      each('replace', (i) => ` lladdr ${macOf(i)} nud permanent`),
    );
    await batch(
      stage,
      each('del', () => ''),
    );
  });
}
