/** The packets for the host as the control API shows them: the vASIC's policers and the punt worker's counters, by reason. */
import { POLICED, policerToken } from '../afi/policers';
import type { NodeInfo } from '../aft/wire';
import type { PuntPolicers } from '../config/types';
import type { PuntReasonView } from '../control/types';
import type { PuntCounters } from '../punt/punt';

/** One view for each reason that the graph knows, in the order of the configuration. */
export function puntReasons(
  rates: PuntPolicers,
  policers: readonly NodeInfo[],
  worker: PuntCounters | undefined,
): PuntReasonView[] {
  const byToken = new Map(policers.filter(({ found }) => found).map((info) => [info.token, info]));
  return POLICED.map(([reason, code]) => {
    const info = byToken.get(policerToken(code));
    const delivered = worker?.reasons.find((counted) => counted.reason === (code as number))?.packets ?? 0;
    return {
      reason,
      ...(info === undefined ? {} : { passed: info.packets, dropped: info.drops }),
      rate: rates[reason],
      ...(worker === undefined ? {} : { delivered }),
    };
  });
}
