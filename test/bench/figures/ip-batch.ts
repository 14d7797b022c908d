/** Many changes to a node's kernel at once. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../../lab/lab';
import type { LabNode } from '../../../lab/node';

/** Runs these words of `ip`, a line each, in order; throws at the first that fails. */
export async function ipBatch(lab: Lab, node: LabNode, lines: readonly string[]): Promise<void> {
  const file = join(lab.logDir, `${node.name}.batch`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  await node.must(['ip', '-batch', file], { timeoutMs: 60_000 });
}
