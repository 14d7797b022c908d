/**
 * VRFs in a Linux that may have no VRF devices, as far as a router with a vASIC needs them: a device of each VRF's name, which
 * zebra takes for one (zebra-view.ts), and policy routing in the place of what a VRF device does.
 *
 * What comes in by a VRF's TAP is marked with its table and looked up there, and nowhere else; what Linux answers, such as an
 * ICMP error, carries the mark of the packet it answers, and so goes back by the same table. The TAPs' own subnets are in
 * that table only.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabNode } from '../node';

export interface LinuxVrf {
  /** Of the device. */
  readonly name: string;
  /** Kernel table. */
  readonly table: number;
  /** The TAPs in it. */
  readonly taps: readonly string[];
}

/** Makes the devices and the rules. TAPs needn't be there yet. */
export async function makeVrfs(router: LabNode, vrfs: readonly LinuxVrf[]): Promise<void> {
  await router.sysctl({ 'net.ipv4.fwmark_reflect': 1, 'net.ipv6.fwmark_reflect': 1 });
  for (const { name, table } of vrfs) {
    await router.must(['ip', 'link', 'add', name, 'type', 'bridge']);
    await router.must(['ip', 'link', 'set', name, 'addrgenmode', 'none', 'up']);
    for (const family of ['-4', '-6']) {
      const rule = ['ip', family, 'rule', 'add', 'fwmark', String(table)];
      await router.must([...rule, 'lookup', String(table), 'priority', '100']);
      await router.must([...rule, 'unreachable', 'priority', '101']);
    }
  }
  const marks = vrfs.flatMap(({ table, taps }) => taps.map((tap) => `iifname "${tap}" meta mark set ${table}`));
  const file = join(router.dir, 'vrfs.nft');
  const chain = ['type filter hook prerouting priority mangle;', ...marks].join('\n    ');
  writeFileSync(file, `table inet vrfs {\n  chain prerouting {\n    ${chain}\n  }\n}\n`);
  await router.must(['nft', '-f', file]);
}

/** Takes a TAP's subnets from the main table to the VRF's. They have to be there. */
export async function moveSubnets(router: LabNode, { table, taps }: LinuxVrf): Promise<void> {
  for (const tap of taps) {
    for (const family of ['-4', '-6']) {
      const shown = await router.must(['ip', family, '-j', 'route', 'show', 'dev', tap, 'proto', 'kernel']);
      for (const { dst } of JSON.parse(shown === '' ? '[]' : shown) as { dst: string }[]) {
        const route = [dst, 'dev', tap];
        await router.must(['ip', family, 'route', 'replace', ...route, 'table', String(table), 'proto', 'kernel']);
        await router.must(['ip', family, 'route', 'del', ...route, 'table', 'main']);
      }
    }
  }
}
