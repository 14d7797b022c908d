/**
 * Streams recorded from real zebras (test/tools/capture-fpm.ts). Each is decoded two ways: line by line against
 * NAME.expected.txt, which this decoder wrote and which guards against changes; and summed up to tables, which must be
 * what that zebra itself said of its routes at that point: the independent check.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  NO_TABLE,
  type FpmUpdate,
  type NexthopContent,
  type NexthopPath,
  type RouteDelete,
  type RouteTarget,
} from '../../../src/fib/updates';
import { FrameReader } from '../../../src/fpm/framing';
import { decodeNetlink } from '../../../src/fpm/netlink/decoder';
import { formatPrefix } from '../../../src/net/address';
import { describePath, recordStream } from './describe';

const DIRECTORY = join(__dirname, '../../../../test/fixtures/fpm');
const names = readdirSync(DIRECTORY)
  .filter((file) => file.endsWith('.bin'))
  .map((file) => file.slice(0, -4));

interface View {
  readonly bytes: number;
  readonly routes: Record<string, string>;
}
const streamOf = (name: string): Buffer => readFileSync(join(DIRECTORY, `${name}.bin`));
const viewsOf = (name: string): View[] =>
  (JSON.parse(readFileSync(join(DIRECTORY, `${name}.json`), 'utf8')) as { views: View[] }).views;

/** What stands in the tables after a stream: `prefix table` → ways, in the words of the .json files. */
function tablesAfter(stream: Buffer): Record<string, string> {
  const nexthops = new Map<number, NexthopContent>();
  const routes = new Map<string, RouteTarget>();
  /** The routes that a withdrawal may mean. */
  const namesOf = ({ table, prefix }: RouteDelete): string[] => {
    const isIt = (name: string): boolean => name.startsWith(`${formatPrefix(prefix)} `);
    return table === NO_TABLE ? [...routes.keys()].filter(isIt) : [`${formatPrefix(prefix)} ${table}`];
  };
  const apply = (update: FpmUpdate): void => {
    switch (update.kind) {
      case 'routeAdd':
        routes.set(`${formatPrefix(update.prefix)} ${update.table}`, structuredClone(update.target));
        break;
      case 'routeDelete':
        for (const name of namesOf(update)) routes.delete(name);
        break;
      case 'nexthopAdd':
        nexthops.set(update.id, structuredClone(update.content));
        break;
      case 'nexthopDelete':
        nexthops.delete(update.id);
        break;
      default:
        throw new Error(`${update.kind} in a stream that has none`);
    }
  };
  const reader = new FrameReader((_type, buffer, start, end) => {
    decodeNetlink(buffer, start, end, { update: apply, message: () => 0, skipped: fail, malformed: fail });
  });
  reader.push(stream);
  const plain = (path: NexthopPath, weight: number): string => {
    return describePath({ gateway: path.gateway, ifindex: path.ifindex, weight });
  };
  const ways = (target: RouteTarget | NexthopContent | undefined, weight = 1): string[] => {
    switch (target?.kind) {
      case 'nexthopId':
        return ways(nexthops.get(target.id));
      case 'group':
        return target.members.flatMap((member) => ways(nexthops.get(member.id), member.weight));
      case 'path':
        return [plain(target.path, weight)];
      case 'paths':
        return target.paths.map((path) => plain(path, path.weight));
      case 'drop':
        return [target.drop];
      default:
        return [`?${target?.kind}`];
    }
  };
  return Object.fromEntries(Array.from(routes, ([name, target]) => [name, ways(target).sort().join(' ')]));
}

function fail(reason: string): void {
  throw new Error(reason);
}

/** The weight of an only way says nothing, and isn't sent everywhere. */
const withoutLoneWeight = (ways: string): string => (ways.includes(' ') ? ways : ways.replace(/\*\d+$/, ''));

/** zebra's view in the words of tablesAfter: without the protocol, and with 8.4's missing word for `prohibit`. */
function comparable(routes: Record<string, string>, keep: (name: string) => boolean): Record<string, string> {
  const entries = Object.entries(routes).filter(([name]) => keep(name));
  return Object.fromEntries(
    entries.map(([name, text]) => {
      const ways = withoutLoneWeight(text.replace(/^(static|kernel|connected|local) /, ''));
      return [name, ways === 'direct@0' ? 'prohibit' : ways];
    }),
  );
}

test('there are fixtures of both modules and of two versions', () => {
  for (const version of ['frr8.4', 'frr10.7']) {
    for (const module of ['dplane', 'dplane-inline', 'fpm']) expect(names).toContain(`${version}-${module}`);
  }
});

describe.each(names)('%s', (name) => {
  test('decodes to the updates expected', () => {
    const recorded = recordStream(streamOf(name));
    expect(recorded.malformed).toEqual([]);
    expect(recorded.skipped).toEqual([]);
    expect(recorded.lines).toEqual(
      readFileSync(join(DIRECTORY, `${name}.expected.txt`), 'utf8')
        .trim()
        .split('\n'),
    );
  });

  test('adds up to what zebra said of its routes', () => {
    const views = viewsOf(name);
    expect(views.length).toBeGreaterThan(0);
    // No version replays a route of a table that is no VRF's.
    const keep = (route: string): boolean => !name.endsWith('-replay') || route.endsWith(' 254');
    views.forEach(({ bytes, routes }, i) => {
      const tables = tablesAfter(streamOf(name).subarray(0, bytes));
      // tap1 (5) is down at the second view. The kernel takes its members out of groups, and zebra doesn't say so.
      const group = tables['203.0.113.0/25 254'];
      if (i === 1 && group !== undefined) tables['203.0.113.0/25 254'] = group.replace(' 10.0.1.2@5*5', '');
      expect(comparable(tables, keep)).toEqual(comparable(routes, keep));
    });
  });
});
