/** What resolution keeps of what groups depend on. */
import { Interfaces } from '../../../src/fib/interfaces';
import { Resolution } from '../../../src/fib/resolution';
import { Rows } from '../../../src/fib/rows';
import { Vrfs } from '../../../src/fib/vrfs';

const nothing = (): void => undefined;

test('interfaces that no group names any more are forgotten, however many a stream has named', () => {
  const vrfs = new Vrfs({ defaultTable: 254, configured: [], onChange: nothing });
  const rows = new Rows({ vrfs, onWork: nothing, onReport: nothing, onRetire: nothing });
  const interfaces = new Interfaces({
    ...{
      ports: new Map(),
      defaultTable: 254,
      configuredTables: new Map(),
      namedTables: new Map(),
      onRules: nothing,
      onVrfs: nothing,
    },
  });
  const resolution = new Resolution({ rows, interfaces, onNeed: nothing, onGlean: nothing });
  for (let ifindex = 1; ifindex <= 100; ifindex++) {
    const path = { ifindex, weight: 1 };
    const { changed } = rows.nexthops.addZebra({
      ...{ kind: 'nexthopAdd', id: 1, family: 2, protocol: 11 },
      content: { kind: 'path', path },
    });
    for (const group of changed) resolution.contentChanged(group);
    expect(resolution.namedInterfaces).toBe(1);
  }
  resolution.detach(rows.nexthops.forZebraId(1));
  expect(resolution.namedInterfaces).toBe(0);
});
