/** `make docs-test`: play.ts; writes out/docs.json. Exit status: 0 all as shown, 1 not. */
import { runReport, say } from '../../demo/scenes/run-report';
import { labId } from '../../lab/lab';
import { playDocuments } from './play';

const OUT = 'out/docs.json';

runReport('docs-test', OUT, () => playDocuments(labId('docstest'), say));
