/** A stage for the time of one play. */
import { join } from 'node:path';
import { errorText } from '../../src/net/error-text';
import { labId, openLab } from '../../lab/lab';
import { logLines } from '../../lab/process';
import { Player } from './play';
import { openScene } from './scene';

/** Of each log, where a stage breaks. */
const LINES = 12;

export async function withScene<T>(play: (player: Player) => Promise<T>): Promise<T> {
  const id = labId('against');
  const lab = await openLab(id, { logDir: `out/${id}-linux-logs` });
  try {
    return await play(new Player(await openScene(lab)));
  } catch (error) {
    // The next stage empties the folder.
    const ends = ['router-fpm2afi', 'vasic-softvasic', 'wire-wire'].flatMap((name) =>
      logLines(join(lab.logDir, `${name}.log`))
        .slice(-LINES)
        .map((line) => `${name}: ${line}`),
    );
    throw new Error(`${errorText(error)}\n${ends.join('\n')}`, { cause: error });
  } finally {
    await lab.close();
  }
}
