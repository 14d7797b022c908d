/**
 * The audit: zebra, kernel and vASIC compared with the FIB, entry by entry, while all of them run. A layer that can't be
 * compared says why. With `repair`, what differs is written, asked for or told again, and everything is compared once more.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditLayerView, AuditQuery, AuditSummary, AuditView } from '../control/audit-types';
import { differencesIn } from '../control/audit-types';
import { errorText } from '../net/error-text';
import type { Logger } from '../observe/log';
import { Findings } from './findings';
import { auditKernel, type KernelParts } from './kernel';
import { auditNodes, type NodeRepairs } from './vasic-nodes';
import { auditEntries, type EntryRepairs, type VasicParts } from './vasic-routes';
import { auditZebra, type ZebraRepairs } from './zebra';
import { Vty } from '../vty/vty';
import { tablesOf } from './zebra-table';
import { Moment } from '../observe/moment';

export interface AuditParts extends VasicParts, Pick<KernelParts, 'taps' | 'neighbors' | 'dump'> {
  /** zebra's vty socket. */
  readonly vtyPath: string;
  readonly fpm: {
    peer(): string | undefined;
    feedback(): { readonly mode: string } | undefined;
    askAgain(reason: string): void;
  };
  readonly replay: { readonly complete: boolean };
  /** Has the kernel monitor read everything again. */
  readonly resync: () => void;
  /** There is something to program or to report. */
  readonly soon: () => void;
  readonly log: Logger;
}

export interface Audit {
  /** One at a time: who comes while one runs waits for it. */
  run(query: AuditQuery): Promise<AuditView>;
  /** The last one that ended. */
  last(): AuditSummary | undefined;
}

/** News that is on its way has arrived after so long. */
const PAUSE_MS = 1000;
/** A repair that takes longer is compared as it is then. */
const REPAIR_MS = 300_000;

interface Outcome {
  readonly layers: readonly AuditLayerView[];
  readonly zebra: ZebraRepairs | undefined;
  readonly entries: EntryRepairs | undefined;
  readonly nodes: NodeRepairs | undefined;
}

export function createAudit(parts: AuditParts): Audit {
  const { fib, programmer, fpm, replay, log } = parts;
  let last: { readonly at: Moment; readonly layers: AuditSummary['layers'] } | undefined;
  let running: Promise<unknown> = Promise.resolve();
  const pause = (): Promise<void> => sleep(PAUSE_MS, undefined, { ref: false });

  async function compareZebra(): Promise<[AuditLayerView, ZebraRepairs | undefined]> {
    const no = (reason: string): [AuditLayerView, undefined] => [
      { layer: 'zebra', state: 'notCompared', reason },
      undefined,
    ];
    if (fpm.peer() === undefined) return no('zebra is not connected over FPM');
    if (!replay.complete) return no('zebra connected a short while ago and may still be sending its table: try again');
    const findings = new Findings('zebra');
    let vty: Vty | undefined;
    try {
      vty = await Vty.open(parts.vtyPath);
      const feedback = fpm.feedback()?.mode === 'table';
      const inTable = await tablesOf(vty);
      const repairs = { resend: false, report: [] as number[] };
      for (const table of [...fib.vrfs.tables]) {
        const found = await auditZebra({ fib, table, vty: inTable(table), feedback, now: parts.now, pause }, findings);
        repairs.resend ||= found.resend;
        repairs.report.push(...found.report);
      }
      return [findings.view(), repairs];
    } catch (error) {
      return no(`${parts.vtyPath}: ${errorText(error)}`);
    } finally {
      vty?.close();
    }
  }

  async function compareKernel(): Promise<AuditLayerView> {
    const findings = new Findings('kernel');
    try {
      await auditKernel({ ...parts, pause }, findings);
      return findings.view();
    } catch (error) {
      return { layer: 'kernel', state: 'notCompared', reason: errorText(error) };
    }
  }

  async function compareVasic(): Promise<[AuditLayerView, Pick<Outcome, 'entries' | 'nodes'>]> {
    const no = (reason: string): [AuditLayerView, Pick<Outcome, 'entries' | 'nodes'>] => [
      { layer: 'vasic', state: 'notCompared', reason },
      { entries: undefined, nodes: undefined },
    ];
    if (!programmer.ready) return no('the AFI server is not connected, or its tables are not taken over yet');
    const findings = new Findings('vasic');
    try {
      const nodes = await auditNodes(parts, findings);
      const entries = await auditEntries(parts, findings);
      return [findings.view(), { nodes, entries }];
    } catch (error) {
      return no(errorText(error));
    }
  }

  async function compare(): Promise<Outcome> {
    const kernel = await compareKernel();
    const [zebra, repairs] = await compareZebra();
    const [vasic, rest] = await compareVasic();
    return { layers: [zebra, kernel, vasic], zebra: repairs, ...rest };
  }

  /** Does what can be done; says what that was. */
  function repair({ layers, zebra, entries, nodes }: Outcome): string[] {
    const actions: string[] = [];
    if (nodes !== undefined && nodes.wrong.length + nodes.foreign.length > 0) {
      for (const node of nodes.wrong) programmer.rewrite(node);
      programmer.removeForeign(nodes.foreign);
      actions.push(`nodes of the vASIC: ${nodes.wrong.length} written again, ${nodes.foreign.length} removed`);
    }
    const rows = entries === undefined ? [] : [...entries.rows.rows()];
    const foreign = entries?.foreign ?? [];
    if (rows.length + foreign.length > 0) {
      for (const row of rows) fib.forwarding.rewriteRoute(row);
      for (const { table, bytes, length } of foreign) fib.forwarding.removeForeign(table, bytes, length);
      actions.push(`entries of the vASIC: ${rows.length} written again, ${foreign.length} removed`);
    }
    if (layers.some((view) => view.layer === 'kernel' && (differencesIn(view) ?? 0) > 0)) {
      parts.resync();
      actions.push("the kernel's tables are read again");
    }
    for (const row of zebra?.report ?? []) fib.status.reportAgain(row);
    if (zebra !== undefined && zebra.report.length > 0) {
      actions.push(`zebra is told the status of ${zebra.report.length} routes again`);
    }
    if (zebra?.resend === true) {
      fpm.askAgain('an audit found that zebra has other routes');
      actions.push('zebra connects again and sends everything');
    }
    parts.soon();
    return actions;
  }

  async function settled(): Promise<void> {
    const until = parts.now() + REPAIR_MS;
    do await pause();
    while (parts.now() < until && (!replay.complete || !programmer.idle));
  }

  async function audit(query: AuditQuery): Promise<AuditView> {
    const [time, began] = [new Moment().toISOString(), parts.now()];
    let outcome = await compare();
    let done: AuditView['repair'];
    if (query.repair) {
      const before = outcome.layers;
      const actions = repair(outcome);
      if (actions.length > 0) {
        await settled();
        outcome = await compare();
        done = { actions, before };
      }
    }
    const { layers } = outcome;
    last = { at: new Moment(), layers: layers.map(summary) };
    const found = Object.fromEntries(layers.map((view) => [view.layer, differencesIn(view) ?? 'not compared']));
    log.info('audit: differences', { ...found, ...(done === undefined ? {} : { repair: done.actions.join('; ') }) });
    const durationMs = Math.round(parts.now() - began);
    return { time, durationMs, layers, ...(done === undefined ? {} : { repair: done }) };
  }

  return {
    run(query) {
      const next = running.then(() => audit(query));
      running = next.catch(() => undefined);
      return next;
    },
    last: () => last && { time: last.at.toISOString(), layers: last.layers },
  };
}

function summary(view: AuditLayerView): AuditSummary['layers'][number] {
  const differences = differencesIn(view);
  return { layer: view.layer, ...(differences === undefined ? {} : { differences }) };
}
