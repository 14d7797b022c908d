/** The run as checks: what was compared, that it was worth comparing, and each fault. */
import { INTENDED, LEFT_BY_ZEBRA } from './intended';
import type { RunResult } from './run';

export interface Check {
  readonly name: string;
  /** Repeats it. */
  readonly command: string;
  readonly observed: string;
  readonly ok: boolean;
}

/** Outcomes that have to occur: else the frames tell nothing. */
const OUTCOMES: readonly string[] = [
  'forwarded',
  'nothing',
  'ICMP 3/1',
  'ICMP 3/4',
  'ICMP 11/0',
  'ICMPv6 2/0',
  'ICMPv6 3/0',
  'TCP reset',
];

export function checksOf(
  result: RunResult,
  { seed, steps, frames }: { readonly seed: number; readonly steps: number; readonly frames: number },
): readonly Check[] {
  const command = `make against-linux SEED=${seed} STEPS=${steps} FRAMES=${frames}`;
  const check = (name: string, observed: string, ok: boolean): Check => ({ name, command, observed, ok });
  return [
    check(
      'size of the run',
      `${result.steps} events, ${result.frames} frames, ${result.episodes} stages, ${result.again} frames sent again`,
      result.steps >= steps && result.frames >= frames,
    ),
    ...[...result.events].map(([kind, times]) => check(`event ${kind}`, `${times} times`, times > 0 || steps < 500)),
    ...[...result.kinds].map(([kind, { frames: sent, differ }]) =>
      check(`frames: ${kind}`, `${sent} sent, ${differ} differ`, differ === 0 && (sent > 0 || frames < 20_000)),
    ),
    ...OUTCOMES.map((words) => {
      const times = result.outcomes.get(words) ?? 0;
      return check(`outcome at Linux: ${words}`, `${times} times`, times > 0 || frames < 20_000);
    }),
    ...INTENDED.map(({ name, reason, document }) =>
      check(`intended: ${name}`, `explained ${result.explained.get(name) ?? 0} frames. ${reason} (${document})`, true),
    ),
    check(
      `intended: ${LEFT_BY_ZEBRA.name}`,
      `explained ${result.explained.get(LEFT_BY_ZEBRA.name) ?? 0} routes. ${LEFT_BY_ZEBRA.reason} (${LEFT_BY_ZEBRA.document})`,
      true,
    ),
    ...result.cases.found.map(({ name, lines, signatures, times }) =>
      check(`no difference: ${name}`, [`${times} times: ${[...signatures].join('; ')}`, ...lines].join('\n'), false),
    ),
  ];
}
