/** Reading the named parameters of nodes that the engine knows. */
import type { AftNode } from '../../../aft/model';

/** An int (or label) parameter; undefined when absent. NaN when it has another type. */
export function intParam(node: AftNode, name: string): number | undefined {
  const params = node.params;
  if (params === undefined || !Object.hasOwn(params, name)) return undefined;
  const data = params[name]!;
  return data.kind === 'int' || data.kind === 'label' ? data.value : NaN;
}

/** A bool parameter; undefined when absent, or when it has another type. */
export function boolParam(node: AftNode, name: string): boolean | undefined {
  const params = node.params;
  if (params === undefined || !Object.hasOwn(params, name)) return undefined;
  const data = params[name]!;
  return data.kind === 'bool' ? data.value : undefined;
}
