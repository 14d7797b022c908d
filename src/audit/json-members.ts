/**
 * The members of one large JSON object, one by one as its text comes: only the member that is being read is kept. What is
 * inside a member is JSON.parse's business; here only strings and brackets are followed.
 */

/** No member that is waited for here is as long. */
const MOST_CHARACTERS = 16 << 20;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const OPEN_LIST = 0x5b;
const CLOSE_OBJECT = 0x7d;
const CLOSE_LIST = 0x5d;
const COMMA = 0x2c;

export class JsonMembers {
  private text = '';
  private at = 0;
  /** Where the present member begins. */
  private start = 0;
  private depth = 0;
  private inString = false;
  private ended = false;

  /** Takes more text; yields the members that it completes. @throws Error for what is no object */
  *push(text: string): Generator<[name: string, value: unknown]> {
    this.text = this.text.slice(this.start) + text;
    this.at -= this.start;
    this.start = 0;
    if (this.text.length > MOST_CHARACTERS + text.length) throw new Error('an endless member in the answer');
    for (; this.at < this.text.length; this.at++) {
      const code = this.text.charCodeAt(this.at);
      if (this.inString) {
        if (code === BACKSLASH) this.at++;
        else if (code === QUOTE) this.inString = false;
        continue;
      }
      switch (code) {
        case QUOTE:
          this.inString = true;
          break;
        case OPEN_OBJECT:
        case OPEN_LIST:
          if (this.depth++ === 0) this.start = this.at + 1;
          break;
        case CLOSE_OBJECT:
        case CLOSE_LIST:
          if (--this.depth > 0) break;
          yield* this.member();
          this.ended = true;
          break;
        case COMMA:
          if (this.depth === 1) yield* this.member();
      }
    }
    if (this.depth === 0) this.start = this.at;
  }

  /** Whether the object was there, whole. */
  get complete(): boolean {
    return this.ended && this.depth === 0;
  }

  private *member(): Generator<[string, unknown]> {
    const text = this.text.slice(this.start, this.at);
    this.start = this.at + 1;
    if (text.trim() === '') return;
    const [entry] = Object.entries(JSON.parse(`{${text}}`) as Record<string, unknown>);
    if (entry !== undefined) yield entry;
  }
}
