/**
 * What differs from one run to the next is the same once masked: moments, durations, process ids, ports of clients, numbers that count. What stays is what a
 * reader goes by: words, names, addresses, prefixes, states. Pure.
 */

const MASKS: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME'],
  [/\/[\w-]{22}\//g, '/KEY/'],
  [/\d+ days?, \d\d:\d\d:\d\d|\d\d:\d\d:\d\d/g, 'DURATION'],
  [/(127\.0\.0\.1|128\.0\.0\.\d+):\d{4,5}/g, '$1:PORT'],
  // The kernel looks after its neighbors as it likes.
  [/(neighbor )(?:reachable|stale|delay|probe)( \(kernel\), [\da-f:]+)(?:, kernel asked .*)?/g, '$1known$2'],
  // Nothing to count yet.
  [/(?<=\s)-(?=\s|$)/g, 'N'],
  // Numbers that are not part of a word, an address, a prefix, a label or a name: 4, 17, 1.5k, 8204.
  [/(?<![\w.:/-])\d+(\.\d+)?(k|M|G)?(?![\w.:/-]|\.\d)/g, 'N'],
  [/ +/g, ' '],
  [/-{3,}/g, '---'],
];

/** A line without what is different each time. */
export function masked(line: string): string {
  return MASKS.reduce((text, [pattern, by]) => text.replace(pattern, by), line).trim();
}

/** Of a line's start that a document shows, `…` being for what it leaves out. */
function isShown(wanted: string, got: string): boolean {
  const parts = masked(wanted).split('…');
  const text = masked(got);
  let at = 0;
  for (const [i, part] of parts.entries()) {
    const found = text.indexOf(part.trim(), at);
    if (found < 0 || (i === 0 && found > 0)) return false;
    at = found + part.trim().length;
  }
  return parts.length > 1 || at === text.length;
}

/**
 * What is shown and isn't printed; undefined: all is. Lines that the document leaves out are a line `…`; the order counts.
 * @param wanted the document's lines @param got what was printed
 */
export function firstDifference(wanted: readonly string[], got: readonly string[]): string | undefined {
  let at = 0;
  let skips = false;
  for (const line of wanted) {
    if (line.trim() === '…') {
      skips = true;
      continue;
    }
    let found = at;
    if (skips) while (found < got.length && !isShown(line, got[found]!)) found++;
    if (found >= got.length || !isShown(line, got[found]!)) {
      return `shown: ${line.trim()}; printed: ${got[at]?.trim() ?? 'nothing more'}`;
    }
    at = found + 1;
    skips = false;
  }
  while (at < got.length && got[at]!.trim() === '') at++;
  return skips || at === got.length ? undefined : `printed beyond what is shown: ${got[at]!.trim()}`;
}
