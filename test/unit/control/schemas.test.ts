/**
 * The JSON Schemas of what the control API answers: they are up to date, there is one for each answer, what a bridge answers is as they say,
 * and nothing is taken away from them unnoticed. Answers of real bridges are held against them in test/unit/views and test/integration.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import Ajv from 'ajv/dist/2020';
import { WHOLE } from '../../../src/control/answers';
import { requestBytes, requestObject } from '../../../src/control/client';
import { startControlServer, type ControlServer } from '../../../src/control/server';
import { LISTS } from '../../../src/control/types';
import { nullLogger } from '../../../src/observe/log';
import { faultsOf, schemaNames, schemaOf, type AnswerName } from '../../schemas';
import { fakeBackend, STATUS } from './backend';
import { TRACE } from './explained';

const SCRIPTS = join(__dirname, '../../../../scripts');

test('they are those of the types: npm run schemas', () => {
  const { status, stderr } = spawnSync(process.execPath, [join(SCRIPTS, 'make-schemas.mjs'), '--check'], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
});

test('nothing is taken away without being told to', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fpm2afi-schemas-'));
  const file = join(folder, 'reload.schema.json');
  const make = (...more: readonly string[]): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, [join(SCRIPTS, 'make-schemas.mjs'), folder, ...more], { encoding: 'utf8' });
  const promised = JSON.stringify(schemaOf('reload')).replace('"changed":', '"kept":{"type":"number"},"changed":');
  writeFileSync(file, promised);
  const { status, stderr } = make();
  expect(status).toBe(1);
  expect(stderr).toContain('\nreload.schema.json: .kept: is gone\n');
  expect(readFileSync(file, 'utf8')).toBe(promised);
  expect(make('--break').status).toBe(0);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(schemaOf('reload'));
  rmSync(folder, { recursive: true });
});

test('there is one for each answer', () => {
  expect(schemaNames().sort()).toEqual([...WHOLE, ...LISTS, 'monitor', 'reload', 'top'].sort());
});

describe('what is sent is as they say', () => {
  const directory = mkdtempSync(join(tmpdir(), 'fpm2afi-schemas-'));
  const socket = join(directory, 'control.sock');
  let server: ControlServer;
  beforeAll(async () => {
    const backend = { ...fakeBackend(), reload: () => Promise.resolve({ changed: ['log.level'] }) };
    server = await startControlServer(socket, backend, nullLogger);
  });
  afterAll(async () => {
    await server.close();
    rmSync(directory, { recursive: true });
  });

  async function sent(path: string): Promise<string> {
    let text = '';
    for await (const chunk of requestBytes(socket, path)) text += Buffer.from(chunk).toString();
    return text;
  }

  const queries: Partial<Record<AnswerName, string>> = {
    why: '?where=10.0.255.0/32',
    trace: '?src=10.0.0.1&dst=10.0.0.2',
  };
  test.each(WHOLE)('%s', async (name) => {
    expect(faultsOf(name, await requestObject(socket, `/v1/${name}${queries[name] ?? ''}`))).toEqual([]);
  });

  test.each(LISTS)('%s, and a line of it', async (list) => {
    expect(faultsOf(list, JSON.parse(await sent(`/v1/${list}`)))).toEqual([]);
    const lines = (await sent(`/v1/${list}?stream=1`)).trimEnd().split('\n');
    expect(lines).not.toEqual(['']);
    expect(lines.flatMap((line) => faultsOf(list, JSON.parse(line), { stream: true }))).toEqual([]);
  });

  test('monitor, every kind of line', async () => {
    const lines = (await sent('/v1/monitor?kinds=routes,nexthops,neighbors,ports,sessions,problems'))
      .trimEnd()
      .split('\n');
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.flatMap((line) => faultsOf('monitor', JSON.parse(line)))).toEqual([]);
  });

  test('what is posted: a repair, a reload', async () => {
    for (const name of ['audit', 'reload'] as const) {
      expect(faultsOf(name, await requestObject(socket, `/v1/${name}`, { method: 'POST' }))).toEqual([]);
    }
  });

  test.each([
    ['a field of another kind', { ...STATUS, pid: '4711' }],
    ['a field that is missing', { ...STATUS, fpm: undefined }],
    ['a word that is none of several', { ...STATUS, fpm: { ...STATUS.fpm, state: 'asleep' } }],
    ['a number that is none', { ...STATUS, uptimeSeconds: NaN }],
    ['a field that no one knows', { ...STATUS, fpm: { ...STATUS.fpm, mood: 'good' } }],
  ])('a fault is found: %s', (_what, status) => {
    expect(faultsOf('status', status)).not.toEqual([]);
  });

  test('a fault is found in one of several kinds of outcome', () => {
    expect(faultsOf('trace', { ...TRACE, outcome: { kind: 'lost' } })).not.toEqual([]);
  });

  test('for programs of others a field more is no fault', () => {
    const validate = new Ajv({ strict: false }).compile(schemaOf('status'));
    expect(validate({ ...STATUS, fpm: { ...STATUS.fpm, mood: 'good' } })).toBe(true);
  });
});

describe('what a change takes away is named', () => {
  const flat = (properties: object, required: readonly string[] = []): object => ({
    type: 'object',
    properties,
    required,
  });
  const [text, number] = [{ type: 'string' }, { type: 'number' }];
  const word = (...words: readonly string[]): object => ({ type: 'string', enum: words });
  const kind = (name: string, more: object = {}): object =>
    flat({ kind: { type: 'string', const: name }, ...more }, ['kind']);
  const tree = (leaf: object): object => ({
    $ref: '#/$defs/Tree',
    $defs: { Tree: flat({ leaf, below: { type: 'array', items: { $ref: '#/$defs/Tree' } } }) },
  });
  const cases: readonly (readonly [string, object, object, readonly string[]])[] = [
    ['a field more', flat({ a: text }, ['a']), flat({ a: text, b: number }, ['a', 'b']), []],
    ['a field less', flat({ a: text, b: text }), flat({ a: text }), ['.b: is gone']],
    ['another kind', flat({ a: text }), flat({ a: number }), ['.a: was string, is number']],
    ['no longer sure', flat({ a: text }, ['a']), flat({ a: text }), ['.a: was always there, may be absent now']],
    ['a word more', word('up'), word('up', 'down'), []],
    ['a word less', word('up', 'down'), word('up'), [': no down any more']],
    ['words for any text', text, word('up'), [': no any text any more']],
    ['any text for words', word('up'), text, [': one of several words before, any text now']],
    ['in a list', { type: 'array', items: flat({ a: text }) }, { type: 'array', items: flat({}) }, ['[].a: is gone']],
    [
      'by name',
      { type: 'object', additionalProperties: number },
      { type: 'object', additionalProperties: text },
      ['.*: was number, is string'],
    ],
    ['an alternative more', { anyOf: [kind('a')] }, { anyOf: [kind('b'), kind('a', { x: text })] }, []],
    [
      'an alternative less',
      { anyOf: [kind('a'), kind('b', { x: text })] },
      { anyOf: [kind('b'), kind('c')] },
      [': the 1st of its alternatives is gone or another', ': the 2nd of its alternatives is gone or another'],
    ],
    ['a type that holds itself', tree(text), tree(text), []],
    ['within it', tree(text), tree(number), ['.leaf: was string, is number']],
  ];

  test('each of them', () => {
    const program = `
      import { breaks } from ${JSON.stringify(pathToFileURL(join(SCRIPTS, 'schema-breaks.mjs')).href)};
      const cases = ${JSON.stringify(cases)};
      console.log(JSON.stringify(cases.map(([what, older, newer]) => [what, breaks(older, newer)])));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual(cases.map(([what, , , expected]) => [what, expected]));
  });
});
