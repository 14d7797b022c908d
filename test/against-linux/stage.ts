/** A stage for the time of one play. */
import { labId, openLab } from '../../lab/lab';
import { Player } from './play';
import { openScene } from './scene';

export async function withScene<T>(play: (player: Player) => Promise<T>): Promise<T> {
  const lab = await openLab(labId('against'), { logDir: 'out/against-linux-logs' });
  try {
    return await play(new Player(await openScene(lab)));
  } finally {
    await lab.close();
  }
}
