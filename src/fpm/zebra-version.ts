/**
 * Which route status a zebra understands. It doesn't say over FPM who it is, but it does over its vty socket, where that can
 * be reached: `show version` and `show modules`, as vtysh would ask. What each version does: docs/fpm-feedback.md.
 */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { FeedbackMode } from '../config/types';
import { askVty } from '../vty/vty';

/** How statuses are encoded, or that none are sent, and why. */
export interface FeedbackChoice {
  readonly mode: Exclude<FeedbackMode, 'auto'>;
  /** In plain words, for people. */
  readonly reason: string;
}

/** What zebra's vty told. */
export interface ZebraFacts {
  /** As FRR writes it, e.g. `10.3.1`. */
  readonly version: string;
  /** It has the module `fpm` and not `dplane_fpm_nl`. */
  readonly oldModule: boolean;
}

const TIMEOUT_MS = 5000;
const RETRY_MS = 200;

/** What zebra understands, by its version and module. */
export function choiceFor({ version, oldModule }: ZebraFacts): FeedbackChoice {
  if (oldModule) return { mode: 'off', reason: `zebra ${version} -M fpm reads no status` };
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const order = major * 1000 + minor;
  if (order < 8005) return { mode: 'off', reason: `zebra ${version} reads no status` };
  if (order === 10003) return { mode: 'off', reason: `zebra ${version} finds no route for a status` };
  return { mode: 'table', reason: `zebra ${version}` };
}

/** The choice where zebra can't be asked: what most versions in use understand, and the others ignore. */
export function choiceUnasked(why: string): FeedbackChoice {
  return { mode: 'table', reason: `zebra's version is not known: ${why}` };
}

/** The facts in the answers to `show version` and `show modules`; undefined when there is no version in them. */
export function parseFacts(version: string, modules: string): ZebraFacts | undefined {
  const found = /^FRRouting (\d+\.\d+(?:\.\d+)?)/m.exec(version)?.[1];
  if (found === undefined) return undefined;
  const has = (name: string): boolean => new RegExp(`^\\s*${name}\\s`, 'm').test(modules);
  return { version: found, oldModule: has('zebra_fpm') && !has('dplane_fpm_nl') };
}

/** Why zebra at this FPM peer can't be asked at this socket, at first sight. */
export function whyNotAsked(path: string, peer: string | undefined, local: string | undefined): string | undefined {
  const plain = peer?.replace(/^::ffff:/, '');
  if (plain === undefined || !(plain.startsWith('127.') || plain === '::1' || peer === local))
    return 'it runs on another machine';
  // The folder is there before a zebra that is just starting has made its socket in it.
  return existsSync(dirname(path)) ? undefined : `there is no ${path}`;
}

/** Asks the zebra whose vty socket this is. Never rejects. */
export async function askZebra(path: string, timeoutMs = TIMEOUT_MS): Promise<FeedbackChoice> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      const answers = await askVty(path, ['show version', 'show modules'], Math.max(1, deadline - performance.now()));
      const facts = parseFacts(answers[0] ?? '', answers[1] ?? '');
      return facts === undefined ? choiceUnasked(`${path} answered something else`) : choiceFor(facts);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // A zebra that is just starting has connected here before it listens there.
      const starting = code === 'ECONNREFUSED' || code === 'ENOENT';
      if (!starting || performance.now() + RETRY_MS > deadline) {
        return choiceUnasked(`${path}: ${message}`);
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
