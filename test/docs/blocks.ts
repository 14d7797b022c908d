/** The code blocks of the documents, and what is in them. Pure. */

/** One fenced block. */
export interface Block {
  readonly file: string;
  /** Of its first fence, from 1. */
  readonly line: number;
  /** The fence's first word: what the block is. */
  readonly kind: string;
  readonly lines: readonly string[];
}

/** The blocks of a document, from the first to the last. */
export function blocksOf(file: string, text: string): Block[] {
  const blocks: Block[] = [];
  let open:
    { readonly line: number; readonly kind: string; readonly indent: number; readonly lines: string[] } | undefined;
  text.split('\n').forEach((line, i) => {
    const fence = /^( *)```(\S*)/.exec(line);
    if (fence === null) {
      open?.lines.push(line.slice(open.indent));
      return;
    }
    if (open === undefined) open = { line: i + 1, kind: fence[2]!, indent: fence[1]!.length, lines: [] };
    else {
      blocks.push({ file, line: open.line, kind: open.kind, lines: open.lines });
      open = undefined;
    }
  });
  if (open !== undefined) throw new Error(`${file}: a code block has no end`);
  return blocks;
}

/** A command of a console block, and what it prints. */
export interface Session {
  readonly line: number;
  readonly command: string;
  readonly output: readonly string[];
}

/** A console block: `$ COMMAND` (`# COMMAND` as root), and below it what it prints. */
export function sessionsOf({ lines, line }: Block): Session[] {
  const sessions: { line: number; command: string; output: string[] }[] = [];
  lines.forEach((text, i) => {
    const command = /^[$#] (.+)/.exec(text)?.[1];
    if (command !== undefined) sessions.push({ line: line + 1 + i, command, output: [] });
    else sessions.at(-1)?.output.push(text);
  });
  for (const { output } of sessions) while (output.at(-1) === '') output.pop();
  return sessions;
}

/** The commands of a block of commands, without what is said of them behind `#` or, in a list of commands, behind two spaces. */
export function commandsOf({ lines, line }: Block): Session[] {
  const commands: { line: number; command: string; output: string[] }[] = [];
  let open = '';
  lines.forEach((text, i) => {
    const whole = open + text;
    const quotes = whole.split("'").length - 1;
    if (whole.endsWith('\\') || quotes % 2 === 1) {
      open = whole.endsWith('\\') ? `${whole.slice(0, -1).trimEnd()} ` : `${whole}\n`;
      return;
    }
    open = '';
    const command = whole.replace(/ {2,}#.*$/, '').trim();
    if (command !== '' && !command.startsWith('#')) commands.push({ line: line + 1 + i, command, output: [] });
  });
  return commands;
}
