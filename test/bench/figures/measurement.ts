/** One measurement of `make lab`. */
import type { Figure } from '../../../lab/figure';
import type { Lab } from '../../../lab/lab';

export interface Measurement {
  /** As in `make lab FIGURE=NAME`. */
  readonly name: string;
  readonly title: string;
  readonly measure: (lab: Lab, say: (line: string) => void) => Promise<readonly Figure[]>;
}
