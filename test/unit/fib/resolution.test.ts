/** What resolution keeps of what groups depend on. */
import { Interfaces } from '../../../src/fib/interfaces';
import { Resolution } from '../../../src/fib/resolution';
import { Rows } from '../../../src/fib/rows';

const nothing = (): void => undefined;

test('interfaces that no group names any more are forgotten, however many a stream has named', () => {
  const rows = new Rows({ table: 254, onWork: nothing, onReport: nothing, onRetire: nothing });
  const interfaces = new Interfaces({ ports: new Map(), table: 254, onRules: nothing });
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
