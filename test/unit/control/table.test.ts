/** Table alignment. */
import fc from 'fast-check';
import type { Column, Row } from '../../../src/control/table';
import { Table } from '../../../src/control/table';

const COLUMNS: readonly Column[] = [{ title: 'Name' }, { title: 'N', right: true }, { title: 'Note' }];

function lines(rows: Iterable<Row>, lookAhead?: number): string[] {
  const table = new Table(COLUMNS, lookAhead);
  let text = '';
  for (const row of rows) text += table.add(row);
  return (text + table.settle()).split('\n').slice(0, -1);
}

test('columns are as wide as the widest cell, numbers at the right, nothing behind the last one', () => {
  expect(
    lines([
      [['a', '1', 'x']],
      [
        ['longer', '1000', ''],
        ['', '', 'continued'],
      ],
    ]),
  ).toEqual([
    //
    'Name       N  Note',
    'a          1  x',
    'longer  1000',
    '              continued',
  ]);
});

test('no rows, no header', () => {
  expect(lines([])).toEqual([]);
});

test('widths are those of the first rows; later rows come as they are', () => {
  const rows = [[['a', '1', 'x']], [['bbbbbb', '2', 'y']], [['a-very-long-one', '3', 'z']], [['c', '4', 'w']]];
  expect(lines(rows, 2)).toEqual([
    'Name    N  Note',
    'a       1  x',
    'bbbbbb  2  y',
    'a-very-long-one  3  z',
    'c       4  w',
  ]);
});

test('rows are passed on when the widths are known, not gathered', () => {
  const table = new Table(COLUMNS, 3);
  const row: Row = [['a', '1', 'x']];
  expect([table.add(row), table.add(row), table.settled]).toEqual(['', '', false]);
  expect(table.add(row).split('\n')).toHaveLength(5);
  expect([table.add(row), table.settled]).toEqual(['a     1  x\n', true]);
});

test('every cell is printed whole, in any table', () => {
  const cell = fc.stringMatching(/^[a-z0-9]{1,12}$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 20 }), (rows) => {
      const printed = lines(
        rows.map((row): Row => [row]),
        5,
      );
      expect(printed.slice(1).map((line) => line.trim().split(/ {2,}/))).toEqual(rows);
    }),
  );
});
