/** A packet to try the graph with, by words for its parts: `src`, `dst`, `proto` …. */
import { parseAddress } from './address';
import { LAST_LABEL } from './labels';
import { PROBE_PROTOCOLS, type Probe } from './probe';

/** The names of the words. */
export const PROBE_WORDS = ['src', 'dst', 'proto', 'sport', 'dport', 'ttl', 'flowlabel', 'size', 'labels'] as const;

/** As many as zebra takes of a route (FRR's MPLS_MAX_LABELS). */
const MOST_LABELS = 16;

/** A word isn't what it may be: the message names it. */
export class WordError extends Error {}

function refuse(name: string, text: string | null, expected: string): never {
  throw new WordError(text === null ? `${name}: missing` : `${name}: ${text} is not ${expected}`);
}

/** @throws WordError */
export function wholeWord(
  name: string,
  text: string | null,
  { least, most, absent }: { readonly least: number; readonly most: number; readonly absent: number },
): number {
  if (text === null) return absent;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  return value >= least && value <= most ? value : refuse(name, text, `a whole number from ${least} to ${most}`);
}

/**
 * Reads the words; `word` gives null for one that is absent. `src` and `dst` are needed.
 * @throws WordError
 */
export function parseProbe(word: (name: (typeof PROBE_WORDS)[number]) => string | null): Probe {
  const address = (name: 'src' | 'dst'): Uint8Array => {
    const text = word(name);
    const bytes = text === null ? undefined : parseAddress(text);
    return bytes ?? refuse(name, text, 'an IPv4 or IPv6 address');
  };
  const whole = (name: 'sport' | 'dport' | 'ttl' | 'flowlabel' | 'size', most: number, absent: number): number =>
    wholeWord(name, word(name), { least: 0, most, absent });
  const source = address('src');
  const destination = address('dst');
  if (source.length !== destination.length) throw new WordError('src and dst: one is IPv4 and the other IPv6');
  const proto = word('proto') ?? 'udp';
  const protocol = PROBE_PROTOCOLS.find((known) => known === proto);
  const labels = word('labels');
  return {
    source,
    destination,
    protocol: protocol ?? refuse('proto', proto, `one of ${PROBE_PROTOCOLS.join(', ')}`),
    sourcePort: whole('sport', 65_535, 50_000),
    destinationPort: whole('dport', 65_535, 33_434),
    ttl: whole('ttl', 255, 64),
    flowLabel: whole('flowlabel', 0xfffff, 0),
    size: whole('size', 9000, 0),
    ...(labels !== null && { labels: labelStack(labels) }),
  };
}

/** `100/200`, the outermost label first. */
function labelStack(text: string): number[] {
  const labels = /^\d{1,7}(\/\d{1,7})*$/.test(text) ? text.split('/').map(Number) : [];
  return labels.length > 0 && labels.length <= MOST_LABELS && labels.every((label) => label <= LAST_LABEL)
    ? labels
    : refuse('labels', text, `labels from 0 to ${LAST_LABEL}, the outermost first, as 100/200; ${MOST_LABELS} at most`);
}
