/** `help` of the shell, by itself and about a command or a node kind. */
import { COMMAND_NAMES, COMMANDS, unknownCommand, type CommandName } from './commands';
import type { Flags } from './flags';
import { KINDS, kindUsage } from './properties';

/** What only the shell's lines have. */
export const LINE_COMMANDS = {
  run: { usage: 'run FILE', describe: 'Run the lines of a file' },
  help: { usage: 'help [COMMAND|KIND]', describe: 'This, or more of one of them' },
  exit: { usage: 'exit', describe: 'End the shell; so does Ctrl-D' },
} as const;

/** What is inserted, and how it is written. */
export const SPEC_HELP = [
  'node TOKEN KIND [NAME=VALUE …]     a node; TOKEN from 1024 on, and one that exists is replaced by one of its kind',
  'entry NODE KEY -> NODE [P=VALUE …] an entry of a tree, table, switch or loadBalance: 10.0.0.0/8, 0x800, FIELD=VALUE',
  'bind PORT -> NODE                  where packets begin that come in by a port',
];

const NODE_HELP =
  'NODE: a token (2000), the name of a node, in:PORT, out:PORT, punt, discard, none. PORT: index or interface.';
const PACKET_HELP =
  'PACKET: hex=… for a whole frame, or dst=ADDRESS [src= proto=udp|tcp|icmp sport= dport= ttl= size= flowlabel= labels=100/200 dmac= smac=].';

/** What is said of a command, by more than its usage. */
const MORE: Readonly<Record<CommandName, readonly string[]>> = {
  show: ['What is printed can be run again: nodes come after those that they lead to. Comments have the counters.'],
  insert: [
    ...SPEC_HELP,
    NODE_HELP,
    `"insert" may be left out. "help KIND" in the shell says what a kind has: ${KINDS.join(', ')}.`,
  ],
  remove: [
    NODE_HELP,
    'A node that something leads to stays: whatever leads there goes first, in the same command or before.',
  ],
  test: [PACKET_HELP],
  inject: [PACKET_HELP, 'in: the packet passes the graph, by the engine in TypeScript. out: it passes nothing.'],
};

function flagLines(flags: Flags): string[] {
  return Object.entries(flags).map(
    ([name, { value, describe }]) => `  ${`--${name}${value === undefined ? '' : ` ${value}`}`.padEnd(16)} ${describe}`,
  );
}

/** The text for `help TOPIC`, or for `help`. @returns lines */
export function helpLines(topic?: string): string[] {
  if (topic === undefined) {
    const usage = (name: CommandName): string => `${name} ${COMMANDS[name].words}`.trim();
    const commands = COMMAND_NAMES.map((name) => [usage(name), COMMANDS[name].describe] as const);
    const lines = Object.values(LINE_COMMANDS).map((one) => [one.usage, one.describe] as const);
    return [
      ...[...commands, ...lines].map(([words, describe]) => `${words.padEnd(32)} ${describe}`),
      '',
      ...SPEC_HELP,
      NODE_HELP,
      PACKET_HELP,
      '# begins a comment; a line that ends with \\ goes on in the next.',
    ];
  }
  const kind = KINDS.find((one) => one.toLowerCase() === topic.toLowerCase());
  if (kind !== undefined) {
    return [
      `node TOKEN ${kindUsage(kind)} [name=TEXT] [next=NODE] [PARAMETER=VALUE …]`,
      'docs/afi.md has the parameters.',
    ];
  }
  const name = topic === 'node' || topic === 'entry' || topic === 'bind' ? 'insert' : topic;
  const command = COMMAND_NAMES.find((one) => one === name);
  if (command === undefined) return [unknownCommand(topic, [...Object.keys(LINE_COMMANDS), ...KINDS])];
  const { words, describe, flags } = COMMANDS[command];
  return [`${command} ${words}`.trim(), describe, ...flagLines(flags), ...MORE[command]];
}
