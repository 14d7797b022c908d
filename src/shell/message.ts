/** What went wrong, as it is told: settings by the names of this program's flags, and the exit code that belongs to it. */
import { AfiUnreachable } from '../afi/visitor';
import { errorText, UsageError } from '../net/error-text';

/** Settings of fpm2afi that the AFI client speaks of, and what they are here. */
const FLAGS: readonly (readonly [RegExp, string])[] = [
  [/\bafi\.server\b/g, '--server'],
  [/\bafi\.tls\.serverName\b/g, '--tls-name'],
  [/\bafi\.tls\.(ca|cert|key)\b/g, '--tls-$1'],
  [/\bset (--tls-\w+)/g, 'give $1'],
  [/\brun fpm2afi as\b/g, 'run this as'],
];

/** A text about the connection, with the flags of this program. */
export function inFlags(text: string): string {
  return FLAGS.reduce((before, [setting, flag]) => before.replace(setting, flag), text);
}

export function errorMessage(error: unknown): string {
  return error instanceof AfiUnreachable ? inFlags(error.message) : errorText(error);
}

/** 2 for what can't be understood, 1 for everything else. */
export function exitCode(error: unknown): 1 | 2 {
  return error instanceof UsageError ? 2 : 1;
}
