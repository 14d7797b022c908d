/** `fpm2afi import-config`: the configuration of the 2017 original (original.ts) written as one of fpm2afi. */
import { isIPv6 } from 'node:net';
import { stringify } from 'yaml';
import { formatEndpoint, type HostPort } from '../net/endpoint';
import { ConfigError, readDocument } from './document';
import { parseConfig } from './load';
import { ORIGINAL_KEYS, original, type Original, type OriginalInterface } from './original';
import { placeAt, report } from './validate';
import type { Context } from './validate';

/** What an import gives. */
export interface Imported {
  /** The configuration: YAML that `check-config` finds nothing wrong with. */
  readonly yaml: string;
  /** What has no equivalent, or isn't needed any more, a line each: place, key and reason. */
  readonly notes: readonly string[];
}

/** Where the original took punted packets. */
const PUNT_PORT = 8001;

/**
 * Writes the configuration that says the same as this one of the original; `file` is what messages call it. Throws ConfigError
 * with all that is wrong: keys that the original didn't know are, too, since nobody can tell what was meant by them.
 */
export function importOriginal(source: string, file: string): Imported {
  let notes: readonly string[] = [];
  const across = (found: Original, context: Context): void => {
    // What was refused is reported already; the rest of the file can't be written without it.
    if (context.problems.length > 0) return;
    notes = notesOn(found, context);
    checkWritten(yamlOf(found), context);
  };
  return { yaml: yamlOf(readDocument(source, file, original, { across })), notes };
}

function yamlOf({ server, hostpath, fpm, interfaces }: Original): string {
  const value = (text: string): string => stringify(text).trimEnd();
  const listen = formatEndpoint({ host: puntHost(hostpath), port: PUNT_PORT });
  return [
    '# Made by "fpm2afi import-config" from a config.yml of afi-client-linux. What is not here has its default; docs/configuration.md',
    '# has every key.',
    'fpm:',
    `  # ${fpm === undefined ? 'The original listened here, where it took routes by FPM' : `use-fpm-interface: ${fpm}`}`,
    '  listen: 127.0.0.1:2620',
    'afi:',
    '  # afi-server-address',
    `  server: ${value(formatEndpoint(server))}`,
    'ports:',
    ...interfaces.flatMap(({ port, tap, name }, i) => [
      `  # interfaces[${i}].port and tap${name === undefined ? '' : ` (name: ${name})`}`,
      `  - index: ${port}`,
      `    tap: ${value(tap)}`,
    ]),
    'punt:',
    '  # afi-hostpath-address',
    `  vasic: ${value(formatEndpoint(hostpath))}`,
    '  # Where the original took punted packets; better the one address of this machine that the vASIC sends them to.',
    `  listen: ${value(listen)}`,
    '',
  ].join('\n');
}

/** The original took packets at every address. Nothing that isn't on this machine needs to reach it where the vASIC is here. */
function puntHost({ host }: HostPort): string {
  if (isIPv6(host)) return host === '::1' ? '::1' : '::';
  return host.startsWith('127.') ? '127.0.0.1' : '0.0.0.0';
}

/** Reports what fpm2afi wouldn't take of the written file at the key of the original that it comes from. */
function checkWritten(yaml: string, context: Context): void {
  try {
    parseConfig(yaml, context.file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const { path, text } of error.problems) {
      const source = sourceOf(path);
      const at = context.given.get(source);
      report(at ?? { path: source, node: undefined }, context, text.replaceAll('ports[', 'interfaces['));
    }
  }
}

/** `ports[1].tap` → `interfaces[1].tap` */
function sourceOf(path: string): string {
  const [index] = /\[\d+\]/.exec(path) ?? [];
  const key = path.replace(/\[\d+\]/, '[]');
  const { key: source } = ORIGINAL_KEYS.find(({ becomes }) => becomes.some((one) => one === key)) ?? { key };
  return source.replace('[]', index ?? '[]');
}

function notesOn({ fpm, interfaces }: Original, context: Context): string[] {
  const found = ORIGINAL_KEYS.flatMap(({ key, becomes, remark }) => {
    const at = context.given.get(key.replace('[]', `[${interfaces.findIndex(({ name }) => name !== undefined)}]`));
    const isSaid = becomes.length === 0 || (key === 'use-fpm-interface' && fpm === false);
    if (at === undefined || !isSaid) return [];
    const text = key === 'interfaces[].name' ? `${remark}${softvasicOptions(interfaces)}` : remark;
    return [{ offset: at.node?.range?.[0] ?? 0, key, text }];
  });
  return found
    .sort((a, b) => a.offset - b.offset)
    .map(({ offset, key, text }) => `${placeAt(offset, context)}: ${key}: ${text}`);
}

/** softvasic numbers its ports in the order of its options; nothing where these interfaces aren't ports 0, 1, 2 … */
function softvasicOptions(interfaces: readonly OriginalInterface[]): string {
  const sorted = [...interfaces].sort((a, b) => a.port - b.port);
  if (!sorted.every(({ port, name }, i) => port === i && name !== undefined)) return '';
  return ` Here: ${sorted.map(({ name }) => `--port ${name}`).join(' ')}`;
}
