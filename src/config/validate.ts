/**
 * A small combinator validator over YAML nodes. A `Check` reads one node into a typed value or reports a problem and
 * gives undefined; `object` and `list` compose checks. All problems of a document are collected, each with key path, the
 * value found, what was expected, and its place in the file. Defaults are written as the user would write them and go
 * through the same checks, so the documentation can be compared with the code (`documentedKeys`).
 */
import { isAlias, isMap, isNode, isScalar, isSeq, Scalar } from 'yaml';
import type { Document, LineCounter, Node } from 'yaml';
import { nearest } from './nearest';

/** A value given on the command line, which wins over the file's. */
export interface Override {
  /** Key path such as `log.level`. */
  readonly path: string;
  readonly value: string | number | boolean;
  /** What error messages name in place of file and line: `--log-level`. */
  readonly flag: string;
}

/** One thing that is wrong with a configuration. */
export interface Problem {
  /** `file:line:column`, or the flag that gave the value. */
  readonly place: string;
  /** Key path such as `ports[1].mac`; empty for the document as a whole. */
  readonly path: string;
  readonly text: string;
  /** Where in the file, for sorting; absent when it isn't from the file. */
  readonly offset?: number;
}

/** One node of the document and where it is. */
export interface At {
  readonly path: string;
  readonly node: Node | undefined;
  /** The flag it came from, when it didn't come from the file. */
  readonly flag?: string;
}

/** Reads nodes; holds what all checks of one document share. */
export interface Context {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
  /** By key path. */
  readonly overrides: Map<string, Override>;
  readonly problems: Problem[];
  /** The values given (not defaulted), by key path: the checks across keys report at them. */
  readonly given: Map<string, At>;
}

/** One key as the documentation has to describe it. */
export interface DocumentedKey {
  /** List items are written `ports[].tap`. */
  readonly path: string;
  readonly expected: string;
  /** As it would be written in the file; undefined for a key without a default. */
  readonly default: string | undefined;
  readonly required: boolean;
}

/** Reads one value. `read` gives undefined after it reported why. */
export interface Check<T> {
  /** Completes "expected …". */
  readonly expected: string;
  read(at: At, context: Context): T | undefined;
  /** Keys below this value. */
  keys(path: string): DocumentedKey[];
  /** The same for editors. */
  readonly schema: JsonSchema;
}

/** A part of a JSON Schema (draft 2020-12). It may let through what the reader refuses, never the other way round. */
export type JsonSchema = Readonly<Record<string, unknown>>;

type Plain = string | number | boolean;

/** A key of an object: its check, its name in the file, and what its absence means. */
export interface Field<T> {
  readonly check: Check<T>;
  /** Name in the file, where it isn't the name in the Config. */
  readonly name?: string;
  readonly absent: { readonly kind: 'required' | 'optional' | 'section' } | { readonly kind: 'default'; value: Plain };
}

/** A field that has to be there. */
export function required<T>(check: Check<T>): Field<T> {
  return { check, absent: { kind: 'required' } };
}

/** A field that may be left out; its value is then undefined. */
export function optional<T>(check: Check<T>): Field<T | undefined> {
  return { check, absent: { kind: 'optional' } };
}

/** A field with a default, written as in a file. `name` when the file calls it otherwise than the Config. */
export function defaulted<T>(check: Check<T>, value: Plain, name?: string): Field<T> {
  const field: Field<T> = { check, absent: { kind: 'default', value } };
  return name === undefined ? field : { ...field, name };
}

/** A map or list that stands for an empty one when left out, so that the defaults inside apply. */
export function section<T>(check: Check<T>, name?: string): Field<T> {
  const field: Field<T> = { check, absent: { kind: 'section' } };
  return name === undefined ? field : { ...field, name };
}

/** A single value; `parse` gives undefined for one that isn't as expected. */
export function scalar<T>(
  expected: string,
  parse: (value: Plain) => T | undefined,
  schema: JsonSchema = { type: 'string' },
): Check<T> {
  return {
    expected,
    schema: { ...schema, description: expected },
    keys: () => [],
    read(at, context) {
      const node = resolved(at, context);
      const value = isScalar(node) ? node.value : undefined;
      const plain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
      const result = plain ? parse(value) : undefined;
      if (result === undefined) wrongValue(at, context, expected);
      return result;
    },
  };
}

/** A map with exactly these keys. */
export function object<T extends object>(shape: { readonly [K in keyof T]-?: Field<T[K]> }): Check<T> {
  const fields = (Object.entries(shape) as [string, Field<unknown>][]).map(([key, field]) => ({
    ...field,
    key,
    name: field.name ?? key,
  }));
  const names = fields.map((field) => field.name);
  const expected = `a map with the keys ${names.join(', ')}`;
  return {
    expected,
    schema: {
      type: 'object',
      additionalProperties: false,
      required: fields.flatMap(({ name, absent }) => (absent.kind === 'required' ? [name] : [])),
      properties: Object.fromEntries(fields.map(({ name, check, absent }) => [name, schemaOf(check, absent)])),
    },
    keys(path) {
      return fields.flatMap(({ name, check, absent }) => {
        const below = check.keys(join(path, name));
        // A map isn't a key of its own for the reader; what is in it is.
        if (below.length > 0) return below;
        const value = absent.kind === 'default' ? String(absent.value) : absent.kind === 'section' ? '[]' : undefined;
        const key = { path: join(path, name), expected: check.expected, default: value };
        return [{ ...key, required: absent.kind === 'required' }];
      });
    },
    read(at, context) {
      const node = resolved(at, context);
      const given = new Map<string, At>();
      if (isMap(node)) {
        for (const { key, value } of node.items) {
          const name = isScalar(key) ? String(key.value) : '?';
          const child = { path: join(at.path, name), node: isNode(value) ? value : undefined };
          if (names.includes(name)) given.set(name, child);
          else unknownKey({ ...child, node: key as Node }, name, names, context);
        }
      } else if (!isEmpty(node)) {
        wrongValue(at, context, expected);
        return undefined;
      }
      const result: Record<string, unknown> = {};
      for (const field of fields) {
        const path = join(at.path, field.name);
        const override = context.overrides.get(path);
        const child = override === undefined ? given.get(field.name) : fromFlag(override);
        if (child !== undefined) context.given.set(path, child);
        const value = readField(field, child, { path, node: at.node }, context);
        if (value !== undefined) result[field.key] = value;
      }
      // Complete unless a problem was reported, and then the whole result is thrown away.
      return result as T;
    },
  };
}

/** A list of at least `minimum` items, each read by `item`; `what` names them. */
export function list<T>(item: Check<T>, what: string, minimum: 0 | 1 = 0): Check<readonly T[]> {
  const expected = `a list of ${what}${minimum === 0 ? '' : ', at least one'}`;
  return {
    expected,
    schema: { type: 'array', items: item.schema, minItems: minimum, description: expected },
    keys: (path) => item.keys(`${path}[]`),
    read(at, context) {
      const node = resolved(at, context);
      const items = isSeq(node) ? node.items : undefined;
      if (items === undefined ? minimum > 0 || !isEmpty(node) : items.length < minimum) {
        wrongValue(at, context, expected);
        return undefined;
      }
      return (items ?? []).map((value, i) => {
        const child = { path: `${at.path}[${i}]`, node: isNode(value) ? value : undefined };
        return item.read(child, context) as T;
      });
    },
  };
}

/** A key with nothing behind it is one that was left out, unless it is required. */
function schemaOf({ schema }: Check<unknown>, absent: Field<unknown>['absent']): JsonSchema {
  if (absent.kind === 'required') return schema;
  const { description, ...rest } = schema;
  return {
    anyOf: [rest, { type: 'null' }],
    ...(description !== undefined && { description }),
    ...(absent.kind === 'default' && { default: absent.value }),
  };
}

/** Adds a problem about the value at `at`. */
export function report(at: At, context: Context, text: string): void {
  const offset = at.flag === undefined ? at.node?.range?.[0] : undefined;
  const place = at.flag ?? placeAt(offset, context);
  context.problems.push({ place, path: at.path, text, ...(offset === undefined ? {} : { offset }) });
}

/** A value as error messages show it. */
function shown(at: At, context: Context): string {
  const node = resolved(at, context);
  if (isMap(node)) return 'a map';
  if (isSeq(node)) return node.items.length === 0 ? 'an empty list' : 'a list';
  if (isEmpty(node) || !isScalar(node)) return 'nothing';
  const text = JSON.stringify(node.value) ?? String(node.value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function readField(field: Field<unknown>, given: At | undefined, parent: At, context: Context): unknown {
  const { absent } = field;
  // `key:` with nothing behind it is a key left out, except where a value is needed.
  if (given !== undefined && !(isEmpty(given.node) && absent.kind !== 'required'))
    return field.check.read(given, context);
  switch (absent.kind) {
    case 'required':
      report(given ?? parent, context, `missing, expected ${field.check.expected}`);
      return undefined;
    case 'optional':
      return undefined;
    case 'section':
      return field.check.read({ path: parent.path, node: undefined }, context);
    case 'default':
      return field.check.read({ path: parent.path, node: new Scalar(absent.value) }, context);
  }
}

function fromFlag(override: Override): At {
  return { path: override.path, node: new Scalar(override.value), flag: override.flag };
}

/** The node itself where there is an alias for it. */
export function resolved(at: At, context: Context): Node | undefined {
  return isAlias(at.node) ? at.node.resolve(context.document) : at.node;
}

function isEmpty(node: Node | undefined): boolean {
  return node === undefined || (isScalar(node) && node.value === null);
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** `file:line:column` of an offset in the text. */
export function placeAt(offset: number | undefined, context: Context): string {
  if (offset === undefined) return context.file;
  const { line, col } = context.lines.linePos(offset);
  return `${context.file}:${line}:${col}`;
}

/** Adds the problem that the value at `at` isn't what is expected. */
export function wrongValue(at: At, context: Context, expected: string): void {
  report(at, context, `got ${shown(at, context)}, expected ${expected}`);
}

function unknownKey(at: At, name: string, names: readonly string[], context: Context): void {
  const near = nearest(name, names);
  report(
    at,
    context,
    `unknown key, ${near === undefined ? `known here: ${names.join(', ')}` : `did you mean ${near}?`}`,
  );
}
