/** What promtool says of the metrics, of the rules, and of the configuration that the document shows. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine, type Observation, type Reporter } from '../../demo/scenes/report';
import { httpGet } from '../../lab/http';
import { blocksOf } from '../docs/blocks';
import { PROMTOOL } from './prometheus';
import { METRICS, RULES, type Stage } from './stage';

const DOCUMENT = 'docs/operation.md';

/** Asks promtool for all that it checks. */
export async function checkWithPromtool(report: Reporter, { router }: Stage): Promise<void> {
  report.scene('promtool');
  const promtool = async (script: string, ...args: string[]): Promise<Observation> => {
    const { status, stdout, stderr } = await router.exec(['sh', '-c', script, PROMTOOL, ...args]);
    const said = `${stdout}${stderr}`.trim();
    const lines = said.split('\n').map((line) => line.trim());
    return status === 0
      ? { ok: true, observed: lines.filter((line) => line !== '').join(' ') || 'nothing to say' }
      : { ok: false, observed: `status ${status}`, output: said };
  };
  const metrics = join(router.dir, 'metrics.txt');
  const [answer] = await httpGet(router, [`http://${METRICS}/metrics`]);
  writeFileSync(metrics, answer!.body);
  const config = join(router.dir, 'prometheus.yml');
  const shown = blocksOf(DOCUMENT, readFileSync(DOCUMENT, 'utf8')).find(({ lines }) =>
    lines.some((line) => line.startsWith('scrape_configs:')),
  );
  writeFileSync(config, (shown?.lines ?? []).join('\n'));
  const checks: readonly [string, string, () => Promise<Observation>][] = [
    ['metrics', 'promtool check metrics', () => promtool('exec "$0" check metrics < "$1"', metrics)],
    ['rules', `promtool check rules ${RULES}`, () => promtool('exec "$0" check rules "$1"', RULES)],
    [
      `the configuration in ${DOCUMENT}`,
      'promtool check config --syntax-only prometheus.yml',
      () => promtool('exec "$0" check config --syntax-only "$1"', config),
    ],
  ];
  for (const [name, command, look] of checks) {
    await report.expect({ name, command: commandLine(router, command.split(' ')), look });
  }
}
