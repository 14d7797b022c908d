/**
 * What a new configuration changes, and whether that can be had without a restart. All or nothing: one key that can't is
 * enough to refuse the whole. Pure; what it comes to is done in run.ts.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/types';

/** How a key's change is had. `now`: by a setter. `rebuild`: the bridge's modules are made anew, as after a restart. */
type Way = 'now' | 'rebuild';

/** Keys of the file, or what their paths begin with. All others need a restart. */
const RELOADABLE: readonly (readonly [prefix: string, way: Way])[] = [
  ['log', 'now'],
  ['metrics', 'now'],
  ['neighbors.static', 'now'],
  ['punt.policers', 'now'],
  ['fpm.allow', 'now'],
  ['ports', 'rebuild'],
  ['fpm.feedback', 'rebuild'],
];

export type ReloadPlan =
  /** Nothing is done. One reason a key. */
  | { readonly kind: 'refused'; readonly reasons: readonly string[] }
  /** `changed`: the keys, in the order of the file. */
  | { readonly kind: 'apply'; readonly changed: readonly string[]; readonly rebuild: boolean };

/** What it takes to go from one configuration to another. */
export function planReload(from: Config, to: Config): ReloadPlan {
  const changed = changedKeys(from, to, '');
  const reasons = changed
    .filter((key) => wayOf(key) === undefined)
    .map((key) => `${key} can't be changed while fpm2afi runs: restart it`);
  if (changed.includes('ports')) reasons.push(...portReasons(from, to));
  if (reasons.length > 0) return { kind: 'refused', reasons };
  return { kind: 'apply', changed, rebuild: changed.some((key) => wayOf(key) === 'rebuild') };
}

function wayOf(key: string): Way | undefined {
  return RELOADABLE.find(([prefix]) => key === prefix || key.startsWith(`${prefix}.`))?.[1];
}

/** AFI makes a sandbox's port tables when it is opened: as many as the highest index says, and both sides have to agree. */
function portReasons(from: Config, to: Config): string[] {
  const [before, after] = [from, to].map(({ ports }) => Math.max(...ports.map(({ index }) => index)));
  const reasons: string[] = [];
  if (to.punt.mode === 'worker') {
    reasons.push('ports can only be changed while fpm2afi runs where a punt process has the TAPs (punt.mode)');
  }
  if (before !== after) {
    reasons.push(
      `ports: the highest index was ${before} and would be ${after}, and a vASIC makes its sandbox's ports when it is opened: ` +
        'restart the vASIC with as many as needed, and fpm2afi',
    );
  }
  return reasons;
}

/** Keys as the file has them: values in milliseconds have no unit in their names there. Lists are one key. */
function changedKeys(from: object, to: object, path: string): string[] {
  const [before, after] = [from, to].map((value) => new Map<string, unknown>(Object.entries(value)));
  return [...new Set([...before!.keys(), ...after!.keys()])].flatMap((key) => {
    const [a, b] = [before!.get(key), after!.get(key)];
    if (isDeepStrictEqual(a, b)) return [];
    const name = `${path}${key.replace(/Ms$/, '')}`;
    return isSection(a) && isSection(b) && !isAddress(a) ? changedKeys(a, b, `${name}.`) : [name];
  });
}

function isSection(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** An endpoint is one value of the file. */
function isAddress(value: object): boolean {
  return ('host' in value && 'port' in value) || ('path' in value && Object.keys(value).length === 1);
}
