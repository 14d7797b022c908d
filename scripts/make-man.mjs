/**
 * The man pages fpm2afi(8) and softvasic(8), made of what the programs say of themselves with --help, so that no page can differ from the
 * program. Reads the built programs in dist/, writes into dist/man. Part of packing (prepack.mjs).
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const HOUSE = join(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(join(HOUSE, 'package.json'), 'utf8'));
/** Options that every command has; said once. */
const EVERYWHERE = ['--version', '--help', '-h, --help'];

/** What yargs says of an option's type: it can be seen by its name and its words. */
const TYPE = / ?\[(string|boolean|array|number|required)\]| ?\[default: (true|false|\[\])\]/g;

/** What a program prints with --help, as { intro: paragraphs, sections: name → [term, description] }. */
function helpOf(program, words) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(HOUSE, 'bin', `${program}.js`), ...words, '--help'],
    {
      encoding: 'utf8',
      env: { ...process.env, SHELL: '/bin/bash' },
    },
  );
  if (status !== 0 || stdout === '') throw new Error(`${program} ${words.join(' ')} --help failed: ${stderr}`);
  const intro = [];
  const sections = new Map();
  let section;
  for (const line of stdout.split('\n')) {
    if (/^[A-Z]\w+:$/.test(line)) sections.set(line.slice(0, -1), (section = []));
    else if (line === '' || !line.startsWith(' ')) {
      if (line !== '' && section !== undefined) section = undefined;
      if (section === undefined) intro.push(line);
    } else if (section === undefined) intro.push(line.trim());
    else addLine(section, line);
  }
  return { intro: paragraphs(intro), sections };
}

/** A line of a section: a new term with its description, or more of the one before. Terms start within the first 7 columns. */
function addLine(section, line) {
  const [, indent, term, rest] = /^( +)(\S.*?)(?: {2,}(.*))?$/.exec(line);
  if (indent.length > 6 && section.length > 0) {
    const more = [term, rest].filter((text) => text !== undefined).join(' ');
    section.at(-1)[1] = [section.at(-1)[1], more].filter((text) => text !== '').join(' ');
  } else section.push([term, (rest ?? '').trim()]);
}

function paragraphs(lines) {
  return lines
    .join('\n')
    .split(/\n{2,}/)
    .map((text) => text.replaceAll('\n', ' ').trim())
    .filter((text) => text !== '');
}

/** Text for troff: nothing in it is a command. */
function plain(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1')
    .replace(/ +/g, ' ')
    .replace(/[^ -~\n]/gu, (char) => `\\[u${char.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}]`)
    .trim();
}

function terms(list) {
  return list.flatMap(([term, description]) => [
    '.TP',
    `.B ${plain(term)}`,
    plain(description.replace(TYPE, '')) || '-',
  ]);
}

/** One command's part: usage, what it does, its words and options, without `known` ones; then the commands below it. */
function command(program, words, known = []) {
  const { intro, sections } = helpOf(program, words);
  const [usage, ...texts] = intro;
  const options = (sections.get('Options') ?? []).filter(([term]) => !EVERYWHERE.includes(term));
  const lines = [`.SS ${plain(usage)}`];
  for (const text of texts) lines.push('.PP', plain(text));
  lines.push(...terms(sections.get('Positionals') ?? []));
  lines.push(...terms(options.filter(([term]) => !known.includes(term))));
  const below = [...known, ...options.map(([term]) => term)];
  for (const [term] of sections.get('Commands') ?? []) lines.push(...command(program, wordsOf(program, term), below));
  return lines;
}

/** `fpm2afi show routes [where]` → ['show', 'routes'] */
function wordsOf(program, term) {
  const words = term.split(' ').filter((word) => /^[a-z]/.test(word));
  return words[0] === program ? words.slice(1) : words;
}

function page(program, name, rest) {
  const { intro, sections } = helpOf(program, []);
  const [usage, ...texts] = intro;
  const epilogue = texts.filter((text) => text.startsWith('Exit status:'));
  const lines = [
    `.TH ${program.toUpperCase()} 8 "" "fpm2afi ${version}" "System administration"`,
    '.SH NAME',
    `${program} \\- ${plain(name)}`,
    '.SH SYNOPSIS',
    `.B ${plain(usage)}`,
    '.SH DESCRIPTION',
    ...texts.filter((text) => !epilogue.includes(text)).flatMap((text) => ['.PP', plain(text)]),
  ];
  const commands = sections.get('Commands') ?? [];
  if (commands.length > 0) {
    lines.push('.SH COMMANDS', 'Every command takes \\-\\-help.');
    for (const [term] of commands) lines.push(...command(program, wordsOf(program, term)));
  }
  const options = sections.get('Options') ?? [];
  if (options.some(([term]) => !EVERYWHERE.includes(term))) lines.push('.SH OPTIONS', ...terms(options));
  const examples = sections.get('Examples') ?? [];
  if (examples.length > 0) lines.push('.SH EXAMPLES', ...terms(examples));
  lines.push(...rest);
  return `${lines.join('\n')}\n`;
}

const into = join(HOUSE, 'dist', 'man');
mkdirSync(into, { recursive: true });
writeFileSync(
  join(into, 'fpm2afi.8'),
  page('fpm2afi', 'programs a vASIC with the routes of FRR', [
    '.SH FILES',
    ...terms([
      ['/etc/fpm2afi/fpm2afi.yaml', 'The configuration.'],
      [
        '/run/fpm2afi/control.sock',
        'Where show, why, trace and the others ask the daemon; FPM2AFI_SOCKET names another.',
      ],
      ['/run/fpm2afi/punt.sock', 'Where the bridge finds its punt process.'],
    ]),
    '.SH EXIT STATUS',
    '0 fine, 1 failed, 2 wrong usage.',
    '.SH SEE ALSO',
    '.BR softvasic (8)',
    '.PP',
    'The documentation is in /usr/share/doc/fpm2afi, or in the folder docs of the npm package.',
  ]),
);
writeFileSync(
  join(into, 'softvasic.8'),
  page('softvasic', 'a software vASIC with an AFI server', [
    '.SH FILES',
    ...terms([
      ['/etc/default/softvasic', 'SOFTVASIC_OPTIONS: what the systemd unit gives it.'],
      ['/run/softvasic-state', 'What it changed of its interfaces, to be undone if it was killed.'],
    ]),
    '.SH EXIT STATUS',
    '0 ended by SIGTERM or SIGINT, or the command fine; 1 failed, 2 wrong usage.',
    '.SH SEE ALSO',
    '.BR fpm2afi (8)',
  ]),
);
