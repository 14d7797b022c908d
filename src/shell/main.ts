/** The process of `softvasic aft`: its exit code, and the end of what it writes into. */
import { main } from './cli';

// `softvasic aft show | head` isn't an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
void main(process.argv.slice(2), process).then((code) => {
  process.exitCode = code;
});
