/**
 * What is inserted and removed, as the shell writes it, one or several in a row:
 *
 *   node TOKEN KIND [NAME=VALUE …]
 *   entry NODE KEY -> NODE [NAME=VALUE …]
 *   bind PORT -> NODE
 */
import type { AftEntry, AftInsert, AftKey, AftNode, AftRemove, Token } from '../aft/model';
import { formatKey, parseKey } from './data-text';
import { formatParams, parseNode, parseParams } from './node-text';
import { formatToken, parseToken, type TokenLabels, type TokenNames } from './tokens';
import { UsageError } from '../net/error-text';
import { splitPair } from './words';

/** Which words begin a thing to insert. */
export const SPECS = ['node', 'entry', 'bind'] as const;
const ARROW = '->';

/** Takes words from the front. */
class Words {
  private at = 0;

  constructor(private readonly words: readonly string[]) {}

  get left(): boolean {
    return this.at < this.words.length;
  }

  /** @throws UsageError when there are none left */
  next(what: string, expected: string): string {
    const word = this.words[this.at++];
    if (word === undefined) throw new UsageError(`${what}: ${expected} is missing`);
    return word;
  }

  arrow(what: string): void {
    const word = this.next(what, ARROW);
    if (word === ARROW) return;
    const hint = word === '-' ? ` (a shell takes > for itself: put the whole in quotes)` : '';
    throw new UsageError(`${what}: ${word} where ${ARROW} belongs${hint}`);
  }

  /** All words up to the next thing: those that are NAME=VALUE, and what isn't understood, for its reader to refuse. */
  rest(): string[] {
    const from = this.at;
    while (this.left && !SPECS.some((spec) => spec === this.words[this.at])) this.at++;
    return this.words.slice(from, this.at);
  }

  /** Those that are NAME=VALUE. */
  pairs(): string[] {
    const from = this.at;
    while (this.left && splitPair(this.words[this.at]!) !== undefined) this.at++;
    return this.words.slice(from, this.at);
  }
}

/**
 * Reads things to insert.
 * @throws UsageError that names the thing
 */
export function parseInsert(written: readonly string[], names: TokenNames): AftInsert {
  const words = new Words(written);
  const nodes: AftNode[] = [];
  const entries: AftEntry[] = [];
  const binds: { readonly port: number; readonly next: Token }[] = [];
  if (!words.left) throw new UsageError(`insert: what? node …, entry … or bind …`);
  while (words.left) {
    const word = words.next('insert', SPECS.join(', '));
    if (word === 'node') nodes.push(parseNode(words.rest(), names));
    else if (word === 'entry') {
      const parent = words.next('entry', 'the node that it is in');
      const key = words.next(`entry ${parent}`, 'a key');
      const what = `entry ${parent} ${key}`;
      words.arrow(what);
      const next = parseToken(what, words.next(what, 'where it leads'), names);
      const params = parseParams(what, words.pairs(), names);
      const entry = { parent: parseToken(what, parent, names), key: parseKey(what, key), next };
      entries.push(params === undefined ? entry : { ...entry, params });
    } else if (word === 'bind') {
      const port = words.next('bind', 'a port');
      const what = `bind ${port}`;
      words.arrow(what);
      const next = parseToken(what, words.next(what, 'where its packets go'), names);
      binds.push({ port: names.portIndex(port), next });
    } else throw new UsageError(`${word} is nothing to insert: node, entry and bind are`);
  }
  return { nodes, entries, ...(binds.length > 0 && { binds }) };
}

/**
 * Reads things to remove: nodes, and `entry NODE KEY`.
 * @throws UsageError
 */
export function parseRemove(written: readonly string[], names: TokenNames): AftRemove {
  const words = new Words(written);
  const entries: { readonly parent: Token; readonly key: AftKey }[] = [];
  const tokens: Token[] = [];
  if (!words.left) throw new UsageError('remove: what? Nodes (2000, or by name) and entries (entry 1030 10.0.0.0/8)');
  while (words.left) {
    const word = words.next('remove', 'a node');
    if (word !== 'entry') tokens.push(parseToken('remove', word, names));
    else {
      const parent = words.next('entry', 'the node that it is in');
      const key = words.next(`entry ${parent}`, 'its key');
      entries.push({ parent: parseToken(`entry ${parent}`, parent, names), key: parseKey(`entry ${parent}`, key) });
    }
  }
  return { entries, tokens };
}

/** An entry in a line, as `parseInsert` reads it. `container`: the node that it is in. */
export function formatEntry(entry: AftEntry, labels?: TokenLabels, container?: AftNode): string {
  const { parent, key, next, params } = entry;
  const to = [ARROW, formatToken(next, labels), ...formatParams(params, labels)];
  const of = container?.type === 'switch' ? container.field : undefined;
  return ['entry', formatToken(parent, labels), formatKey(key, of), ...to].join(' ');
}

/** A binding in a line. `port`: index, or name where that is no number. */
export function formatBind(port: string, next: Token, labels?: TokenLabels): string {
  return `bind ${port} ${ARROW} ${formatToken(next, labels)}`;
}
