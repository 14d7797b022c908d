/** `why LABEL` over the FIB, the programmer and a real sandbox, as it is printed. */
import { LABEL_TABLE } from '../../../src/afi/label-graph';
import { whyLabelText } from '../../../src/control/explain-label';
import type { WhyLabelView } from '../../../src/control/explain-types';
import { lspNow } from '../../../src/views/lsps';
import { RouteViews } from '../../../src/views/routes';
import type { WhyContext } from '../../../src/views/why';
import { whyLabelView } from '../../../src/views/why-label';
import type { LspPath } from '../../../src/fib/updates';
import { Bed, pathOf } from '../../bed/bed';
import { faultsOf } from '../../schemas';

const UP: WhyContext = {
  ...{ afi: 'up', afiError: undefined, afiServer: '192.0.2.1:50051', known: undefined },
  portNames: new Map([0, 1, 2, 3].map((port) => [512 + port, `port ${port}`])),
};

const path = (text: string, ...outLabels: number[]): LspPath => ({ ...pathOf(text), outLabels });

function lsp(bed: Bed, label: number, ...paths: LspPath[]): Bed {
  return bed.apply({ kind: 'lspAdd', label, protocol: 193, paths }).settle();
}

async function why(bed: Bed, label: number): Promise<WhyLabelView> {
  const { fib, programmer } = bed;
  const { tables } = programmer;
  const view = await lspNow(
    {
      fib,
      tokensOf: (group) => tables.nexthops.tokensOf(group),
      countersOf: (group) => tables.labelTokensOf(group),
      nodeInfo: (tokens) => Promise.resolve(bed.server.sandbox.nodeInfo([...tokens])),
    },
    label,
  );
  const views = new RouteViews(fib, programmer);
  const options = { fib, programmer, views, kernelNeighbors: true, progress: () => ({ asked: 3 }) };
  const answer = whyLabelView(options, label, view, UP);
  expect(faultsOf('why', answer)).toEqual([]);
  return answer;
}

/** The page, without what differs from run to run. */
async function page(bed: Bed, label: number): Promise<string[]> {
  const text = whyLabelText(await why(bed, label));
  return text
    .trimEnd()
    .replace(/\d{4}-[^ ]+Z \(.*\)/g, 'TIME')
    .split('\n');
}

test('an LSP with two paths, one of which waits for its neighbor', async () => {
  const bed = await new Bed().up();
  bed.fib.setLabelInput(0, true);
  bed.neighbor(1, '10.0.1.2', '02:00:00:00:00:0a');
  lsp(bed, 100, path('10.0.1.2@1', 200), path('10.0.2.2@2'));
  const shown = await page(bed, 100);
  expect(shown.slice(0, 5)).toEqual([
    'label 100: offloaded',
    '',
    'zebra       ldp',
    '            swap 200: via 10.0.1.2, tap1',
    '            pop: via 10.0.2.2, tap2',
  ]);
  expect(shown).toContain('packets     the vASIC forwards them: via 10.0.1.2, tap1, swap 200');
  expect(shown.at(-1)).toMatch(/^note +the path via 10\.0\.2\.2, tap2 isn't used: the hardware address .* isn't known/);
  const types = (await why(bed, 100)).chain.map(({ type }) => type);
  expect(types).toEqual([
    ...['match', 'switch', 'switch', 'table', 'indirect', 'encap', 'indirect', 'encap', 'outputPort'],
  ]);
});

test('where it goes to the host, and what to do; a label without an LSP; a reserved one', async () => {
  const bed = await new Bed().up();
  lsp(bed, 101, path('10.0.1.2@1', 200));
  const waiting = await why(bed, 101);
  expect(waiting.result).toMatch(/^the vASIC hands them to the host, with their labels: /);
  expect(waiting.stops).toMatchObject({ at: 'neighbor', why: expect.stringContaining('10.0.1.2 on tap1') as string });
  expect(await why(bed, 555)).toMatchObject({
    ...{ programmed: false, chain: [], stops: { at: 'zebra', why: 'zebra has sent no LSP for it' } },
    result: 'the vASIC knows no such label: it drops such packets and counts them',
  });
  expect((await why(bed, 1)).reserved).toBe('router alert: goes to the host');
  lsp(bed, 2, path('10.0.1.2@1'));
  expect((await why(bed, 2)).stops).toMatchObject({
    at: 'rule',
    why: expect.stringMatching(/^label 2 is reserved/) as string,
  });
});

test('a refused LSP says so', async () => {
  const bed = await new Bed().up();
  bed.neighbor(1, '10.0.1.2', '02:00:00:00:00:0a').settle();
  bed.apply({ kind: 'lspAdd', label: 102, protocol: 193, paths: [path('10.0.1.2@1', 200)] });
  const isEntry = (): boolean => {
    const next = bed.next();
    return next.kind === 'insert' && next.insert.entries.some(({ parent }) => parent === LABEL_TABLE);
  };
  for (bed.programmer.pump(); bed.queue.length > 0; bed.programmer.pump())
    bed.answer(isEntry() ? { code: 'refused', message: 'not today' } : undefined);
  expect(await why(bed, 102)).toMatchObject({
    ...{ programmed: false, stops: { at: 'vASIC', why: expect.stringContaining('not today') as string } },
  });
});
