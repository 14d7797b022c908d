/**
 * Kernel tables as zebra's commands name them: the default VRF, the VRF of a table, or a plain table, which is one of the default
 * VRF's that routes were put into by its number.
 */
import type { Vty } from '../vty/vty';
import type { ZebraVty } from './zebra';

const MAIN = 254;

/** Asks zebra for its VRFs; what comes back turns the questions of `zebra.ts` to a table. Rejects when zebra can't be asked. */
export async function tablesOf(vty: Pick<Vty, 'ask' | 'text'>): Promise<(table: number) => ZebraVty> {
  const answer = await vty.text('show vrf');
  return (table) => {
    if (table === MAIN) return vty;
    const name = vrfOf(answer, table);
    return { ask: (command) => vty.ask(name === undefined ? inPlainTable(command, table) : inVrf(command, name)) };
  };
}

function inVrf(command: string, name: string): string {
  return command.replace(' route ', ` route vrf ${name} `);
}

/** A single prefix is asked for with those below it: not every version knows a table there. */
export function inPlainTable(command: string, table: number): string {
  const turned = command.replace(' route ', ` route table ${table} `);
  return turned.includes(' longer-prefixes ') ? turned : turned.replace(/ json$/, ' longer-prefixes json');
}

/** The name of a table's VRF in the answer to `show vrf`. */
export function vrfOf(answer: string, table: number): string | undefined {
  return new RegExp(`^vrf (\\S+) id \\d+ table ${table}(?: |$)`, 'm').exec(answer)?.[1];
}
