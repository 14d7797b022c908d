/**
 * `fpm2afi audit`: has the running daemon compare zebra, kernel and vASIC with its FIB, and prints what differs. Exit code 1
 * when something does, or could not be compared.
 */
import type { Argv } from 'yargs';
import { auditText } from './audit-text';
import { differencesIn, type AuditView } from './audit-types';
import { connectionOptions, socketOf } from './connection';
import { write } from './output';
import { ControlError, requestObject } from './client';

/** An audit of a full table, a repair and a second audit take minutes; only the end is answered. */
const PATIENCE_MS = 1_200_000;

/** Adds the command to a yargs instance. Its failures, and differences, reject `parseAsync` (ControlError). */
export function withAudit(cli: Argv, out: NodeJS.WritableStream): Argv {
  return cli.command(
    'audit',
    'Compare zebra, kernel, FIB and vASIC entry by entry; nothing is stopped for it',
    (command) =>
      connectionOptions(command)
        .option('repair', {
          type: 'boolean',
          default: false,
          describe: 'Write, ask for or tell again what differs, and compare once more',
        })
        .option('json', { type: 'boolean', default: false, describe: 'Print JSON' }),
    async ({ repair, json, ...daemon }) => {
      const method = repair ? 'POST' : 'GET';
      const view = (await requestObject(await socketOf(daemon), '/v1/audit', {
        method,
        patienceMs: PATIENCE_MS,
      })) as AuditView;
      await write(out, json ? `${JSON.stringify(view, undefined, 2)}\n` : auditText(view));
      const failure = auditFailure(view);
      if (failure !== undefined) throw new ControlError(failure);
    },
  );
}

/** Why an audit isn't clean, in a sentence. */
export function auditFailure({ layers }: AuditView): string | undefined {
  const counts = layers.map(differencesIn);
  const differences = counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
  const notCompared = counts.filter((count) => count === undefined).length;
  const found = [
    ...(differences === 0 ? [] : [`${differences} ${differences === 1 ? 'difference' : 'differences'}`]),
    ...(notCompared === 0 ? [] : [`${notCompared} of ${layers.length} layers not compared`]),
  ];
  return found.length === 0 ? undefined : `audit: ${found.join(', ')}`;
}
