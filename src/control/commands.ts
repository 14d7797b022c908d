/** The words of the command line, and what is said where one of them isn't right. */
import { nearest } from '../config/nearest';
import { LISTS } from './types';

/** What `show` knows; `routes summary` is a part of `routes`. */
export const SHOWS: readonly string[] = ['status', ...LISTS];

/** The commands of `fpm2afi`. */
export const COMMANDS = [
  'run',
  'punt',
  'reload',
  'stop',
  'check-config',
  'config-schema',
  'import-config',
  'log-codes',
  'version',
  'show',
  'why',
  'trace',
  'graph',
  'audit',
  'debug',
  'monitor',
  'top',
  'web',
  'decode',
  'replay',
] as const;
const isCommand = (word: string): boolean => COMMANDS.some((known) => known === word);

/** Says what is wrong with the first words, and what there is; undefined: nothing is. */
export function wrongCommand([command, what]: readonly string[]): string | undefined {
  if (command === undefined || command.startsWith('-')) return undefined;
  if (!isCommand(command)) {
    const meant = nearest(command, COMMANDS);
    const known = meant === 'show' ? showKnows() : `there are ${COMMANDS.join(', ')}`;
    return `no command ${command}${meant === undefined ? '' : `, did you mean ${meant}?`}${separator(meant)}${known}`;
  }
  if (command !== 'show' || what?.startsWith('-') === true) return undefined;
  if (what === undefined) return `show what? ${capital(showKnows())}`;
  if (SHOWS.includes(what)) return undefined;
  const meant = nearest(what, SHOWS);
  return `show: no ${what}${meant === undefined ? '' : `, did you mean ${meant}?`}${separator(meant)}${showKnows()}`;
}

function showKnows(): string {
  return `show knows ${SHOWS.join(', ')}`;
}

function separator(meant: string | undefined): string {
  return meant === undefined ? '; ' : ' ';
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The help that belongs to the words. */
export function helpFor([command, what]: readonly string[]): string {
  if (command === undefined || !isCommand(command)) return 'fpm2afi --help';
  const part = command === 'show' && what !== undefined && SHOWS.includes(what) ? ` ${what}` : '';
  return `fpm2afi ${command}${part} --help`;
}
