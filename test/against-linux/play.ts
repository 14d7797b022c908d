/** Playing events and frames on a stage, and looking again before something counts as a difference. */
import { sleep } from '../../lab/wait';
import { differs, outcomes, prepare, toWire, type Difference } from './compare';
import type { Event } from './events';
import type { FrameSpec } from './frame';
import { greetings } from './generate';
import { explain } from './intended';
import { portName } from './plan';
import type { Action, Scene } from './scene';
import { initialWorld } from './world';

/** Pauses before a frame that differed is sent again: what is only late is no difference. */
export const PATIENCE: readonly number[] = [200, 500, 1500, 3500];

export interface Played {
  /** What both routers did with the frames, when they differed: at the last time of asking. */
  readonly differences: readonly Difference[];
  /** Those that were known. */
  readonly known: readonly Difference[];
  /** Every frame's outcome at its first time. */
  readonly first: readonly Difference[];
  /** What explained differences, a name for each frame. */
  readonly explained: readonly string[];
  /** Frames that were sent again. */
  readonly again: number;
}

export interface FramesOptions {
  readonly patience?: readonly number[];
  readonly known?: (difference: Difference) => boolean;
}

/** Long enough to learn a host that answers. */
const PASS_MS = 100;

/** One stage, and the ids that were used on it. */
export class Player {
  private id = 0;
  /** Ports whose link is down at the far end. */
  readonly linksDown = new Set<number>();
  /** Subnets by device, as `tap1 10.1.1.1/24`. */
  private readonly subnets = new Set(initialWorld().addresses.map(({ dev, cidr }) => `${dev} ${cidr}`));
  /** MAC addresses that neighbors were given for the time being. */
  readonly passingMacs = new Set<string>();

  constructor(private readonly scene: Scene) {}

  /** Does it, and rests; what the routers differ in by then. */
  async event(event: Event): Promise<readonly string[]> {
    const refused: string[] = [];
    for (const action of event.actions) {
      this.notePassingMac(action);
      this.noteAddress(action);
      if (action.on === 'link' && action.up) this.linksDown.delete(action.port);
      else if (action.on === 'link') this.linksDown.add(action.port);
      const what = await this.scene.act(action);
      if (what !== undefined) refused.push(what);
    }
    return [...refused, ...(await this.scene.rest())];
  }

  /** Those of an event's differences that plain Linux's zebra alone is to blame for. */
  leftByZebra(differences: readonly string[]): Promise<readonly string[]> {
    return this.scene.leftByZebra(differences);
  }

  /** Subnets of ports whose link is down. */
  *subnetsDown(): Generator<string> {
    for (const entry of this.subnets) {
      const [dev = '', cidr = ''] = entry.split(' ');
      if ([...this.linksDown].some((port) => portName(port) === dev)) yield cidr;
    }
  }

  private noteAddress(action: Action): void {
    if (action.on !== 'routers') return;
    const text = action.argv.join(' ');
    const byZebra = / interface (\S+) -c (no )?(?:ip|ipv6) address (\S+)/.exec(text);
    const byKernel = /^ip (?:-\d )?address (add|del) (\S+) dev (\S+)/.exec(text);
    if (byZebra !== null) this.setAddress(byZebra[2] === undefined, byZebra[1]!, byZebra[3]!);
    if (byKernel !== null) this.setAddress(byKernel[1] === 'add', byKernel[3]!, byKernel[2]!);
  }

  private setAddress(added: boolean, dev: string, cidr: string): void {
    if (added) this.subnets.add(`${dev} ${cidr}`);
    else this.subnets.delete(`${dev} ${cidr}`);
  }

  private notePassingMac(action: Action): void {
    if (action.on !== 'routers' || !/\bnud (reachable|stale)$/.test(action.argv.join(' '))) return;
    const mac = action.argv[action.argv.indexOf('lladdr') + 1];
    if (mac !== undefined) this.passingMacs.add(mac);
  }

  /** Sends frames whatever comes of them, with `warm` behind a packet to each host, so that the vASIC forwards to those. */
  async pass(warm: boolean, specs: readonly FrameSpec[] = []): Promise<void> {
    const sent = [...(warm ? greetings() : []), ...specs].map((spec) => prepare(spec, ++this.id));
    await this.scene.exchange(toWire(sent), PASS_MS);
  }

  /** `known`: differences that need no second look. */
  async frames(specs: readonly FrameSpec[], options: FramesOptions = {}): Promise<Played> {
    const { patience = PATIENCE, known = () => false } = options;
    const once = async (list: readonly FrameSpec[]): Promise<readonly Difference[]> => {
      const sent = list.map((spec) => prepare(spec, ++this.id));
      return outcomes(await this.scene.exchange(toWire(sent)), sent);
    };
    const unexplained = (all: readonly Difference[]): readonly Difference[] =>
      all.map((one) => explain(one, this).left).filter(differs);
    const first = await once(specs);
    const explained = first.flatMap((one) => explain(one, this).by);
    const found = unexplained(first);
    const old = found.filter(known);
    let differences: readonly Difference[] = found.filter((one) => !known(one));
    let again = 0;
    for (const pause of patience) {
      if (differences.length === 0) break;
      await sleep(pause);
      await this.scene.rest();
      again += differences.length;
      differences = unexplained(await once(differences.map(({ spec }) => spec)));
    }
    return { differences, known: old, first, explained, again };
  }
}
