/** The whole tables of a running bridge and of its vASIC, for those that compare them. */
import { join } from 'node:path';
import { VASIC_MGMT } from '../../lab/plan';
import type { LabNode } from '../../lab/node';
import { AFI_PORT } from '../../lab/programs';
import { requestList } from '../../src/control/client';
import type { RouteView } from '../../src/control/types';

/** Where the packets of each prefix end in a vASIC (aft-dump.ts). */
export type VasicEnds = Readonly<Record<string, readonly string[]>>;

/** All of a bridge's routes, by its control socket. */
export async function allRoutes(control: string): Promise<readonly RouteView[]> {
  const routes: RouteView[] = [];
  for await (const route of requestList(control, 'routes', { all: 1 })) routes.push(route);
  return routes;
}

/** What the vASIC's own tables lead to, read from a node that reaches its AFI server. */
export async function vasicEnds(node: LabNode, timeoutMs?: number): Promise<VasicEnds> {
  const server = `${VASIC_MGMT}:${AFI_PORT}`;
  const argv = [process.execPath, join(__dirname, 'aft-dump.js'), server, 'trio', 'green', 'routeTable'];
  return JSON.parse(await node.must(argv, timeoutMs === undefined ? {} : { timeoutMs })) as VasicEnds;
}
