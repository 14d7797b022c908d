/** Whether each panel of the dashboard has what it asks for. */
import type { Reporter } from '../../demo/scenes/report';
import { legendOf, readDashboard, substitute, type Panel, type Target, type Values } from './dashboard';
import type { Series, Span } from './prometheus';
import { INSTANCES, JOB, type Stage } from './stage';

/** What is 0 here, and why that is right. All else has to have something to show. */
const QUIET: ReadonlyMap<string, string> = new Map([
  ['operations refused', 'what is refused is tried once a minute'],
  ['dirty routes', 'a route waits for milliseconds'],
  ['operations in flight', 'an operation takes milliseconds'],
  ['stale routes', 'zebra connected once'],
  ['{{instance}} {{tap}} out', 'no port drops what it sends'],
]);

/** As the data source of Grafana has it: room for four scrapes at least. */
export function valuesOf(span: Span, intervalSeconds: number, instances: readonly string[] = INSTANCES): Values {
  const rate = Math.max(span.step + intervalSeconds, 4 * intervalSeconds);
  return { datasource: 'prometheus', job: JOB, instance: instances, __rate_interval: `${rate}s` };
}

/** Asks Prometheus for all variables and all panels. */
export async function checkPanels(
  report: Reporter,
  { prometheus }: Stage,
  span: Span,
  intervalSeconds: number,
): Promise<void> {
  const { variables, panels } = readDashboard();
  const values = valuesOf(span, intervalSeconds);
  report.scene('Variables');
  for (const { name, query, type, multi } of variables.filter((one) => one.type === 'query')) {
    const wanted = multi ? INSTANCES : [JOB];
    await report.expect({
      ...{ name: `${type} $${name}`, command: substitute(query, values) },
      look: async () => {
        const found = await prometheus.labelValues(substitute(query, values));
        return { ok: found.join() === wanted.join(), observed: found.join(', ') };
      },
    });
  }
  let row = '';
  for (const panel of panels) {
    if (panel.type === 'row') row = panel.title;
    if (panel.type === 'row') report.scene(row);
    const legends: string[] = [];
    for (const target of panel.targets) {
      const expr = substitute(target.expr, values);
      await report.expect({
        ...{ name: `${panel.title}, ${target.legend}`, command: expr },
        look: async () => {
          const found = await prometheus.range(expr, span);
          legends.push(...found.map(({ labels }) => legendOf(target, labels)));
          return judge(target, found);
        },
      });
    }
    if (panel.targets.length > 0) await checkLegends(report, panel, legends);
  }
}

function judge(target: Target, found: readonly Series[]): { ok: boolean; observed: string } {
  const values = found.flatMap(({ points }) => points.map(([, value]) => value)).filter(Number.isFinite);
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const why = QUIET.get(target.legend);
  if (values.length === 0) return { ok: false, observed: `${found.length} series, no values` };
  const quiet = most > 0 || why === undefined ? '' : `: ${why}`;
  return { ok: most > 0 || why !== undefined, observed: `${found.length} series, up to ${short(most)}${quiet}` };
}

/** Two lines of the same name can't be told apart. */
async function checkLegends(report: Reporter, { title }: Panel, legends: readonly string[]): Promise<void> {
  const twice = legends.filter((name, i) => name.trim() === '' || legends.indexOf(name) !== i);
  await report.expect({
    ...{ name: `${title}: a name for each line`, command: 'legendFormat' },
    look: () => ({
      ok: twice.length === 0,
      observed: twice.length === 0 ? `${legends.length} lines` : `twice or empty: ${[...new Set(twice)].join(', ')}`,
    }),
  });
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
