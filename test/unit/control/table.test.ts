/** Table alignment. */
import fc from 'fast-check';
import type { Column, Row } from '../../../src/control/table';
import { tableLines } from '../../../src/control/table';

const COLUMNS: readonly Column[] = [{ title: 'Name' }, { title: 'N', right: true }, { title: 'Note' }];

async function lines(rows: Iterable<Row> | AsyncIterable<Row>, lookAhead?: number): Promise<string[]> {
  const all: string[] = [];
  for await (const line of tableLines(COLUMNS, rows, lookAhead)) all.push(line);
  return all;
}

test('columns are as wide as the widest cell, numbers at the right, nothing behind the last one', async () => {
  expect(
    await lines([
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

test('no rows, no header', async () => {
  expect(await lines([])).toEqual([]);
});

test('widths are those of the first rows; later rows come as they are', async () => {
  const rows = [[['a', '1', 'x']], [['bbbbbb', '2', 'y']], [['a-very-long-one', '3', 'z']], [['c', '4', 'w']]];
  expect(await lines(rows, 2)).toEqual([
    'Name    N  Note',
    'a       1  x',
    'bbbbbb  2  y',
    'a-very-long-one  3  z',
    'c       4  w',
  ]);
});

test('rows are passed on when the widths are known, not gathered', async () => {
  let made = 0;
  const endless = function* (): Generator<Row> {
    for (;;) yield [[String(made++), '0', '-']];
  };
  const seen: string[] = [];
  for await (const line of tableLines(COLUMNS, endless(), 10)) {
    seen.push(line);
    if (seen.length === 50) break;
  }
  expect(made).toBeLessThan(60);
});

test('every cell is printed whole, in any table', async () => {
  const cell = fc.stringMatching(/^[a-z0-9]{1,12}$/);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 20 }), async (rows) => {
      const printed = await lines(
        rows.map((row): Row => [row]),
        5,
      );
      expect(printed.slice(1).map((line) => line.trim().split(/ {2,}/))).toEqual(rows);
    }),
  );
});
