/** What /proc/net/dev_mcast says, and that only changes of ports are told. */
import type { GroupsChange } from '../../../src/fib/updates';
import { GroupWatch, parseDevMcast } from '../../../src/kernel/groups';

const LINES = ['2    eth0            1     0     333300000001', '7    tap0            2     0     01005e000001'];

const hex = ({ ifindex, groups }: GroupsChange): string =>
  [`${ifindex}:`, ...groups.map((group) => Buffer.from(group).toString('hex'))].join(' ');

test('interfaces and their groups; other lines are passed over', () => {
  const text = [
    ...LINES,
    '7    tap0            1     1     0180c2000014',
    'nonsense',
    '8 ib0 1 0 00ffffffff12401bffff',
  ].join('\n');
  const parsed = [...parseDevMcast(text)].map(([ifindex, groups]) => hex({ kind: 'groups', ifindex, groups }));
  expect(parsed).toEqual(['2: 333300000001', '7: 01005e000001 0180c2000014']);
});

test('the groups of ports are told once, when they change, and again for a port that has come back', () => {
  let text = LINES.join('\n');
  let ports = [7, 8];
  const told: string[] = [];
  let batches = 0;
  const watch = new GroupWatch({
    ports: () => ports,
    emit: (change) => told.push(hex(change)),
    changed: () => batches++,
    read: () => text,
  });
  const news = (): string[] => {
    watch.look();
    return told.splice(0);
  };
  expect(news()).toEqual(['7: 01005e000001', '8:']);
  expect(news()).toEqual([]);
  text += '\n8    tap1            1     0     01005e000005';
  expect(news()).toEqual(['8: 01005e000005']);
  text = text.replace('333300000001', '333300000002');
  expect(news()).toEqual([]);
  ports = [7];
  expect(news()).toEqual([]);
  ports = [7, 8];
  expect(news()).toEqual(['8: 01005e000005']);
  expect(batches).toBe(3);
});

test('without such a file nothing is told: all groups are taken then', () => {
  const emit = jest.fn();
  const read = (): string => {
    throw new Error('ENOENT');
  };
  new GroupWatch({ ports: () => [7], emit, changed: () => undefined, read }).look();
  expect(emit).not.toHaveBeenCalled();
});
