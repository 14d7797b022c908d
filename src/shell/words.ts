/**
 * A line of the shell as words: separated by blanks, `#` at the beginning of a word begins a comment, and text in double quotes (with
 * the escapes of JSON) is part of one word, whatever is in it.
 */
import { UsageError } from '../net/error-text';

const WORD = /(?:[^\s"]|"(?:[^"\\]|\\.)*")+/y;
const QUOTED = /^"(?:[^"\\]|\\.)*"$/s;

/**
 * The words, quotes included.
 * @throws UsageError when a quotation doesn't end
 */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  for (let at = 0; at < line.length;) {
    if (/\s/.test(line[at]!)) at++;
    else if (line[at] === '#') break;
    else {
      WORD.lastIndex = at;
      const [word] = WORD.exec(line) ?? [''];
      at += word.length;
      if (word === '' || line[at] === '"') throw new UsageError(`no " ends what begins at ${line.slice(at, at + 20)}`);
      words.push(word);
    }
  }
  return words;
}

/** Whether the word is a quotation, as a whole. */
export function isQuoted(word: string): boolean {
  return QUOTED.test(word);
}

/**
 * A word without its quotes.
 * @throws UsageError for an escape that JSON doesn't have
 */
export function unquote(word: string): string {
  if (!isQuoted(word)) return word;
  try {
    return JSON.parse(word) as string;
  } catch {
    throw new UsageError(`${word}: in quotes, \\ stands before " or \\, or as \\n, \\t or \\u0041`);
  }
}

/** Text as a word: as it is where it may stand so, else in quotes. */
export function quoteWhereNeeded(text: string, plain: RegExp = /^[\w.:/-]+$/): string {
  return plain.test(text) ? text : JSON.stringify(text);
}

/** `NAME=VALUE` at the first `=` outside of quotes; undefined: it has none. */
export function splitPair(word: string): { readonly name: string; readonly value: string } | undefined {
  const at = /^(?:[^"=]|"(?:[^"\\]|\\.)*")*/s.exec(word)![0].length;
  return word[at] === '=' ? { name: word.slice(0, at), value: word.slice(at + 1) } : undefined;
}

/** The parts between commas outside of quotes; none of an empty text. */
export function splitList(text: string): string[] {
  return text === '' ? [] : (text.match(/(?:[^",]|"(?:[^"\\]|\\.)*")+|(?<=^|,)(?=,|$)/gs) ?? []);
}
