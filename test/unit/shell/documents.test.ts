/** The commands of docs/afi.md work as they stand there, and it leaves none out. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { nullLogger } from '../../../src/observe/log';
import { PROBE_WORDS } from '../../../src/net/probe-words';
import { main } from '../../../src/shell/cli';
import { COMMAND_NAMES } from '../../../src/shell/commands';
import { startAfiServer } from '../../../src/vasic/server/server';
import { createInProcessDataplane } from '../vasic/inprocess-dataplane';

const [section] = readFileSync(join(process.cwd(), 'docs/afi.md'), 'utf8').split('## By hand: ')[1]!.split('\n## ');

test('the commands run, one after another', async () => {
  const server = await startAfiServer({ host: '127.0.0.1', port: 0 }, createInProcessDataplane(2), nullLogger);
  try {
    const lines = section!.split('\n').filter((line) => line.startsWith('softvasic aft'));
    expect(lines.length).toBeGreaterThan(5);
    for (const line of lines) {
      // Words as a shell makes them.
      const words = line.match(/'[^']*'|\S+/g)!.map((word) => word.replace(/^'|'$/g, ''));
      const told: string[] = [];
      const into = (): PassThrough => new PassThrough().on('data', (text: Buffer) => told.push(text.toString()));
      const stdin = Object.assign(Readable.from(['']), { isTTY: true });
      const argv = ['aft', '--server', `127.0.0.1:${server.port}`, ...words.slice(2)];
      expect([line, await main(argv, { stdin, stdout: into(), stderr: into() }), told]).toEqual([line, 0, told]);
    }
  } finally {
    server.close();
  }
});

test('every command and every word of a packet is there', () => {
  for (const name of COMMAND_NAMES) expect(section).toContain(`| \`${name} `);
  for (const word of PROBE_WORDS) expect(section).toMatch(new RegExp(`[\` ]${word}=`));
});
