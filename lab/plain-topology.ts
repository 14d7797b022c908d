/**
 * The baseline: the same hop as through the vASIC, forwarded by Linux itself. One namespace `linux` that forwards between
 * two others, `host0` and `host1`, which carry the addresses of vrouter0 and vrouter1.
 */
import type { Lab } from './lab';
import { link, type LabNode } from './node';
import { IP4, portName } from './plan';
import { forward } from './router';

export interface PlainTopology {
  readonly linux: LabNode;
  readonly hosts: readonly LabNode[];
}

/** Builds it with static routes; there is nothing to wait for. */
export async function buildPlainTopology(lab: Lab): Promise<PlainTopology> {
  const linux = await lab.node('linux');
  const hosts: LabNode[] = [];
  await forward(linux, false);
  for (const port of [0, 1]) {
    const host = await lab.node(`host${port}`);
    hosts.push(host);
    await link(
      { node: linux, ifname: portName(port), addresses: [`${IP4.routerAddress(port)}/24`] },
      { node: host, ifname: 'veth', addresses: [`${IP4.vrouterAddress(port)}/24`] },
    );
    await host.must(['ip', 'address', 'add', `${IP4.loopback(port)}/32`, 'dev', 'lo']);
    await host.must(['ip', 'route', 'add', 'default', 'via', IP4.routerAddress(port)]);
    await linux.must(['ip', 'route', 'add', `${IP4.loopback(port)}/32`, 'via', IP4.vrouterAddress(port)]);
  }
  return { linux, hosts };
}
