/**
 * Who this bridge is to the vASIC: the same after a restart, and nobody else. The control socket is one per bridge on a
 * machine, so machine and socket tell it apart from every other.
 */
import { hostname } from 'node:os';
import type { Config } from '../config/types';

/** Id and name, as the server compares and shows them. */
export function identityOf({ control }: Pick<Config, 'control'>): { readonly id: string; readonly name: string } {
  const host = hostname();
  return { id: `${host}:${control.socket}`, name: `fpm2afi on ${host}, control socket ${control.socket}` };
}
