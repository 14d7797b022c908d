/** `make demo-stop`: ends a demo that was left running with KEEP=1, and removes what a killed one left behind. */
import { errorText } from '../src/net/error-text';
import { labId, stopLab } from '../lab/lab';

stopLab(labId('demo')).then(
  (stopped) => console.log(stopped ? 'The demo is stopped and removed.' : 'No demo is running.'),
  (error: unknown) => {
    console.error(`demo-stop: ${errorText(error)}`);
    process.exitCode = 1;
  },
);
