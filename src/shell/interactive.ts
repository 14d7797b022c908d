/** The shell at a terminal: a line is a command; what goes wrong is told, and the next line has its turn. */
import { createInterface } from 'node:readline';
import { ownerText } from '../aft/owner';
import { COMMAND_NAMES, COMMANDS } from './commands';
import type { Context } from './context';
import { errorMessage } from './message';
import { KINDS, propertiesOf } from './properties';
import { LINE_WORDS, logicalLines, runLine, ScriptFailed } from './script';
import { SPECS } from './spec-text';

const PROMPT = 'aft> ';
const CONTINUED = '...> ';

export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  readonly err: NodeJS.WritableStream;
  /** False: lines aren't edited, as the input is no terminal. */
  readonly editing: boolean;
}

/** The words that may follow those of a line so far. */
export function completions(line: string): [words: string[], begun: string] {
  const words = line.split(/\s+/);
  const begun = words.at(-1)!;
  const [command = '', ...rest] = words.slice(0, -1).filter((word) => word !== '');
  const known = candidates(command, rest);
  return [
    known.filter((word) => word.startsWith(begun)).map((word) => (word.endsWith('=') ? word : `${word} `)),
    begun,
  ];
}

function candidates(command: string, before: readonly string[]): readonly string[] {
  if (command === '') return [...COMMAND_NAMES, ...SPECS, ...LINE_WORDS];
  if (command === 'help') return [...COMMAND_NAMES, ...SPECS, ...KINDS];
  if (command === 'inject' && before.length === 0) return ['in', 'out'];
  const all = [command, ...before];
  const from = all.lastIndexOf('node');
  if (from >= 0 && (command === 'node' || command === 'insert')) {
    const [, kind, ...rest] = all.slice(from + 1);
    if (kind === undefined) return all.length - from === 2 ? KINDS : [];
    const found = KINDS.find((one) => one === kind);
    if (found === undefined) return [];
    const given = rest.map((word) => word.split('=')[0]);
    const names = [...Object.keys(propertiesOf(found)), 'name', 'next'].filter((name) => !given.includes(name));
    return [...names.map((name) => `${name}=`), ...(command === 'insert' ? SPECS : [])];
  }
  if (command === 'insert') return SPECS;
  const name = COMMAND_NAMES.find((one) => one === command);
  return name === undefined ? [] : Object.keys(COMMANDS[name].flags).map((flag) => `--${flag}`);
}

/** Reads and runs lines until the input ends, or a line asks for it. */
export async function interactive(context: Context, { input, output, err, editing }: Terminal): Promise<void> {
  output.write(await greeting(context, err));
  const lines = createInterface({ input, output, terminal: editing, completer: completions, prompt: PROMPT });
  lines.on('SIGINT', () => {
    // What has been typed is given up.
    output.write('^C\n');
    lines.write(null, { ctrl: true, name: 'e' });
    lines.write(null, { ctrl: true, name: 'u' });
    lines.prompt();
  });
  // Input that isn't typed ends while lines of it are still to be run: to prompt then is an error from Node 24 on.
  let isOpen = true;
  lines.once('close', () => (isOpen = false));
  const prompt = (): void => {
    if (isOpen) lines.prompt();
    else output.write(lines.getPrompt());
  };
  const prompting = async function* (): AsyncGenerator<string, void> {
    prompt();
    for await (const line of lines) {
      lines.setPrompt(line.endsWith('\\') ? CONTINUED : PROMPT);
      yield line;
      prompt();
    }
    // Ctrl-D: what comes next, of somebody else's, begins a line.
    output.write('\n');
  };
  try {
    for await (const { text } of logicalLines(prompting())) {
      try {
        if (!(await runLine(context, text, { keepGoing: false, err, within: [] }))) break;
      } catch (error) {
        if (!(error instanceof ScriptFailed)) err.write(`${errorMessage(error)}\n`);
      }
    }
  } finally {
    lines.close();
  }
}

/** Where one is, and how to get on. */
async function greeting({ visitor, place }: Context, err: NodeJS.WritableStream): Promise<string> {
  try {
    const seen = await visitor.look();
    const who = seen?.holder === undefined ? '' : `, last opened by ${ownerText(seen.holder)}`;
    const what =
      seen === undefined ? 'not allocated yet' : `${seen.info.nodes} nodes, ${seen.info.entries} entries${who}`;
    return `${place}: ${what}\nhelp says what there is; exit or Ctrl-D ends.\n`;
  } catch (error) {
    err.write(`${errorMessage(error)}\n`);
    return 'help says what there is; exit or Ctrl-D ends.\n';
  }
}
