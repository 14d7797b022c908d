/** The filter that drops what comes in at an interface before Linux sees it: by tc, in the clsact queueing discipline. */
import { spawnSync } from 'node:child_process';
import { interfaceName } from '../../sys/interface';
import { isMissing, type IsolatedOne, type Undo } from './isolation-sysctls';

/** The kernel's text for "return TC_ACT_SHOT" in classic BPF. */
const DROP_ALL = '1,6 0 0 2';
/** Ours among the filters of an interface, so that it can be replaced and removed. */
const FILTER_ID = ['pref', '1', 'protocol', 'all', 'handle', '0x1'];

/** Installs the drop-everything filter; what is wrong, or undefined. */
export function addFilter(of: IsolatedOne, undos: Undo[]): string | undefined {
  const { name } = of;
  const made = tc('qdisc', 'add', 'dev', name, 'clsact');
  const existed = made !== undefined && /exclusivity|file exists/i.test(made);
  if (made !== undefined && !existed) return made;
  const filter = tc('filter', 'replace', 'dev', name, 'ingress', ...FILTER_ID, 'bpf', 'da', 'bytecode', DROP_ALL);
  if (filter !== undefined) {
    if (!existed) tc('qdisc', 'del', 'dev', name, 'clsact');
    return filter;
  }
  undos.push(() => removeFilter(of, existed));
  return undefined;
}

function removeFilter({ ifindex, log }: IsolatedOne, existed: boolean): void {
  const name = interfaceName(ifindex);
  if (name === undefined) return;
  const fault =
    tc('filter', 'del', 'dev', name, 'ingress', ...FILTER_ID, 'bpf') ??
    // A clsact found at the start may be a killed softvasic's: it goes unless somebody else's filters hang on it.
    (existed && hasFilters(name) ? undefined : tc('qdisc', 'del', 'dev', name, 'clsact'));
  if (fault !== undefined)
    log.warn(`cannot remove the ingress filter of ${name}: ${fault}; tc qdisc del dev ${name} clsact`, {
      code: 'vasic-isolation',
    });
}

function hasFilters(name: string): boolean {
  return ['ingress', 'egress'].some((side) => {
    const shown = spawnSync('tc', ['filter', 'show', 'dev', name, side], { encoding: 'utf8' });
    return shown.stdout.trim() !== '';
  });
}

/** Runs tc; undefined when it succeeded, else its complaint. */
function tc(...args: string[]): string | undefined {
  const result = spawnSync('tc', args, { encoding: 'utf8', timeout: 5000 });
  if (result.error !== undefined)
    return isMissing(result.error) ? 'tc is not installed' : `tc: ${result.error.message}`;
  if (result.status === 0) return undefined;
  return result.stderr.trim().replace(/\s*\n\s*/g, ' ') || `tc ${args.join(' ')}: exit status ${result.status}`;
}
