/** The kernel table that the vASIC forwards by, as zebra's commands name it: the default VRF, or the VRF of that table. */
import type { Vty } from '../vty/vty';
import type { ZebraVty } from './zebra';

const MAIN = 254;

/** The vty with its questions turned to the VRF of this table. Rejects when zebra knows no such VRF. */
export async function inTable(vty: Vty, table: number): Promise<ZebraVty> {
  if (table === MAIN) return vty;
  const name = vrfOf(await vty.text('show vrf'), table);
  if (name === undefined) throw new Error(`zebra knows no VRF of table ${table}`);
  return { ask: (command) => vty.ask(command.replace(' route ', ` route vrf ${name} `)) };
}

/** The name of a table's VRF in the answer to `show vrf`. */
export function vrfOf(answer: string, table: number): string | undefined {
  return new RegExp(`^vrf (\\S+) id \\d+ table ${table}(?: |$)`, 'm').exec(answer)?.[1];
}
