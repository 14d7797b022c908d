/** The packets for the host as the control API shows them: the vASIC's policers and the punt worker's counters, by reason. */
import { POLICED, countedOf } from '../afi/policers';
import type { NodeInfo } from '../aft/wire';
import type { PuntPolicers } from '../config/types';
import type { PuntReasonView } from '../control/types';
import type { PuntCounters } from '../punt/punt';

/** One view for each reason that the graph knows, in the order of the configuration; counters are of all ports together. */
export function puntReasons(
  rates: PuntPolicers,
  ports: readonly number[],
  policers: readonly NodeInfo[],
  worker: PuntCounters | undefined,
): PuntReasonView[] {
  const byToken = new Map(policers.filter(({ found }) => found).map((info) => [info.token, info]));
  return POLICED.map(([reason, code]) => {
    const counted = countedOf(code, ports, byToken);
    const delivered = worker?.reasons.find((one) => one.reason === (code as number))?.packets ?? 0;
    return {
      reason,
      ...counted,
      rate: rates[reason],
      ...(worker === undefined ? {} : { delivered }),
    };
  });
}
