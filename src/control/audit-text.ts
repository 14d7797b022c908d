/** An audit as text. Pure. */
import { differencesIn, type AuditLayer, type AuditLayerView, type AuditView } from './audit-types';

const LAYER_TEXT: Readonly<Record<AuditLayer, string>> = {
  zebra: 'zebra and FIB',
  kernel: 'kernel and FIB',
  vasic: 'vASIC and FIB',
};

/** What is printed. */
export function auditText({ layers, durationMs, repair }: AuditView): string {
  const took = `took ${(durationMs / 1000).toFixed(1)} s`;
  if (repair === undefined) return lines([...layers.flatMap(layerLines), took]);
  return lines([
    'Before:',
    ...repair.before.flatMap(layerLines),
    'Repaired:',
    ...repair.actions.map((action) => `  ${action}`),
    'After:',
    ...layers.flatMap(layerLines),
    took,
  ]);
}

function layerLines(view: AuditLayerView): string[] {
  const title = LAYER_TEXT[view.layer];
  if (view.state === 'notCompared') return [`${title}: not compared: ${view.reason}`];
  const { missing, surplus, differs } = view.differences;
  const count = differencesIn(view) ?? 0;
  const kinds = count === 0 ? 'no differences' : `${missing} missing, ${surplus} surplus, ${differs} different`;
  const more = count - view.shown.length;
  return [
    `${title}: ${view.compared} compared, ${kinds}`,
    ...view.shown.map(({ kind, what, why }) => `  ${kind.padEnd(8)} ${what}: ${why}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
