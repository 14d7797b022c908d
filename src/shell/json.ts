/** Nodes and entries as JSON has them: the names of the model, fields by name, values as text beside their kind. */
import {
  FIELD_NAMES,
  type AftData,
  type AftEntry,
  type AftField,
  type AftKey,
  type AftNode,
  type AftParams,
} from '../aft/model';
import { formatData } from './data-text';

const plainData = (data: AftData): object => ({
  kind: data.kind,
  value: 'value' in data ? data.value : formatData(data),
});
const plainKey = ({ field, data }: AftKey): object => ({ field: FIELD_NAMES[field], ...plainData(data) });
const plainParams = (params: AftParams): object =>
  Object.fromEntries(Object.entries(params).map(([name, data]) => [name, plainData(data)]));

/** Those properties of nodes that aren't numbers, texts or tokens. */
const PLAIN: Readonly<Record<string, (value: never) => unknown>> = {
  field: (value: AftField) => FIELD_NAMES[value],
  fields: (value: readonly AftField[]) => value.map((field) => FIELD_NAMES[field]),
  value: plainData,
  key: plainKey,
  keys: (value: readonly AftKey[]) => value.map(plainKey),
  params: plainParams,
};

/** A node for JSON.stringify. */
export function plainNode(node: AftNode): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(node).map(([name, value]) => [name, PLAIN[name]?.(value as never) ?? (value as unknown)]),
  );
}

/** An entry for JSON.stringify. */
export function plainEntry({ parent, key, next, params }: AftEntry): object {
  return { parent, key: plainKey(key), next, ...(params && { params: plainParams(params) }) };
}
