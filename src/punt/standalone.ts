/**
 * Punt without a bridge (`fpm2afi punt`): nobody tells of the vASIC's ports, so MAC and MTU are the configuration's and
 * the carrier is always on.
 */
import type { Logger } from '../observe/log';
import { type Punt, type PuntConfig, startPunt } from './punt';

/** As `startPunt`; every TAP is up and has carrier when it resolves. What isn't configured stays, with a warning. */
export async function startStandalonePunt(config: PuntConfig, log: Logger): Promise<Punt> {
  const punt = await startPunt(config, log);
  for (const port of config.ports) {
    if (port.mac === undefined) {
      log.warn(`${port.tap} keeps the MAC it has: set ports[].mac to the vASIC port's`, { port: port.index });
    }
    if (port.mtu === undefined) {
      log.warn(`${port.tap} keeps the MTU it has: set ports[].mtu to the vASIC port's`, { port: port.index });
    }
    punt.configurePort(port.index, {});
    punt.setCarrier(port.index, true);
  }
  return punt;
}
