/**
 * Tokens as the shell writes them: numbers, `discard`, `none`, ports (`in:ge0`, `out:1`, `punt`), and names of nodes. Names and ports
 * can only be told by who knows the sandbox (TokenNames).
 */
import { TOKEN_DISCARD, TOKEN_NONE, type Token } from '../aft/model';
import { integerOf } from './data-text';
import { UsageError } from '../net/error-text';
import { isQuoted, unquote } from './words';

/** Who knows what names stand for. */
export interface TokenNames {
  /** @throws UsageError */
  named(name: string): Token;
  /**
   * A port by index or interface name.
   * @throws UsageError
   */
  port(direction: 'in' | 'out', port: string): Token;
  /**
   * The index of a port with this index or interface name.
   * @throws UsageError
   */
  portIndex(port: string): number;
}

/** How the tokens of ports are shown: `out:ge1`. */
export type TokenLabels = ReadonlyMap<Token, string>;

const NO_LABELS: TokenLabels = new Map();
const PUNT = 'punt';
const PORT = /^(in|out):(.+)$/;

/**
 * A word that stands for a node.
 * @throws UsageError naming `what`
 */
export function parseToken(what: string, text: string, names: TokenNames): Token {
  if (isQuoted(text)) return names.named(unquote(text));
  if (text === 'none') return TOKEN_NONE;
  if (text === 'discard') return TOKEN_DISCARD;
  if (text === PUNT) return names.port('out', PUNT);
  const value = integerOf(text);
  if (value !== undefined && value >= 0) return value;
  const [, direction, port] = PORT.exec(text) ?? [];
  if (port !== undefined) return names.port(direction as 'in' | 'out', port);
  if (/^[a-z_][\w.-]*$/i.test(text)) return names.named(text);
  throw new UsageError(
    `${what}: ${text === '' ? 'nothing' : text} is no node: a token (2000), a node's name, in:PORT, out:PORT, punt, discard or none`,
  );
}

export function formatToken(token: Token, labels: TokenLabels = NO_LABELS): string {
  if (token === TOKEN_NONE) return 'none';
  if (token === TOKEN_DISCARD) return 'discard';
  return labels.get(token) ?? String(token);
}

/** How a port's token is written: by the interface's name, where that can't be taken for anything else. */
export function portLabel(direction: 'in' | 'out', index: number, name: string): string {
  if (name === PUNT && direction === 'out') return PUNT;
  return `${direction}:${/^[a-z][\w.-]*$/i.test(name) ? name : index}`;
}
