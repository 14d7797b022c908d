/** Answers of the control API held against schemas/v1, more strictly than a program of others would: a field that isn't described is a fault. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020';
import type { Answers } from '../src/control/answers';

export type AnswerName = keyof Answers;

const FOLDER = join(__dirname, '../../schemas/v1');
const SUFFIX = '.schema.json';

/** The names of all answers that there is a schema of. */
export function schemaNames(): string[] {
  return readdirSync(FOLDER).map((file) => file.replace(SUFFIX, ''));
}

/** A schema as it is shipped. */
export function schemaOf(name: AnswerName): object {
  return JSON.parse(readFileSync(join(FOLDER, `${name}${SUFFIX}`), 'utf8')) as object;
}

/** The same, of objects that have these fields and no others. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return 'properties' in inner && inner['type'] === 'object' ? { additionalProperties: false, ...inner } : inner;
}

const validators = new Map<AnswerName, ReturnType<Ajv['compile']>>();

/** What in an answer, as it goes over the socket, isn't as its schema has it; with `stream`, the answer is one item of that list. */
export function faultsOf(name: AnswerName, answer: unknown, { stream = false } = {}): string[] {
  let validate = validators.get(name);
  if (validate === undefined) {
    validate = new Ajv({ allErrors: true, strict: false }).compile(closed(schemaOf(name)) as object);
    validators.set(name, validate);
  }
  const sent: unknown = JSON.parse(JSON.stringify(stream ? [answer] : answer));
  validate(sent);
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${name}${instancePath}: ${message ?? ''} ${JSON.stringify(params)}`,
  );
}
