/** `make docs-test`: play.ts; writes out/docs.json. Exit status: 0 all as shown, 1 not. */
import { writeReport } from '../../demo/scenes/report';
import { labId } from '../../lab/lab';
import { errorText } from '../../src/net/error-text';
import { playDocuments } from './play';

const OUT = 'out/docs.json';
const say = (line: string): void => void process.stdout.write(`${line}\n`);

playDocuments(labId('docstest'), say).then(
  (report) => {
    writeReport(OUT, report);
    say(`\n${report.ok ? '✓' : '✗'} ${report.summary}\n  ${OUT}`);
    process.exit(report.ok ? 0 : 1);
  },
  (error: unknown) => {
    process.stderr.write(`docs-test: ${errorText(error)}\n`);
    process.exit(1);
  },
);
