/** The bench's figures as a table for people, with the goals beside them. */
import type { BenchReport } from './main';
import type { TableFigures } from './parts';
import type { StageFigures } from './stages';
import { spreadText } from './statistics';

type Row = readonly string[];

function table(rows: readonly Row[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function stageRow(figures: StageFigures): Row {
  const { stage, routes, cpuMs, serverCpuMs, longestTurnMs, routesPerSecond } = figures;
  const server = serverCpuMs === undefined ? '' : spreadText(serverCpuMs, 'ms');
  const turn = `${longestTurnMs.median} ms`;
  return [stage, String(routes), spreadText(cpuMs, 'ms'), String(routesPerSecond), server, turn];
}

function tableRows(figures: TableFigures): Row[] {
  const { routes, replay, memory, failover, puntIdle, puntLoaded } = figures;
  const size = String(routes);
  const ratio = (value: number | undefined): string => (value === undefined ? '' : `${value} × sink`);
  const punt = (what: typeof puntIdle): string =>
    `p50 ${what.p50Ms} ms, p99 ${what.p99Ms} ms, max ${what.maxMs} ms, ${what.received} of ${what.sent}`;
  return [
    ['replay to the sink', size, spreadText(replay.sinkMs, 'ms'), '', ''],
    [
      'replay, acknowledged by the vASIC',
      size,
      spreadText(replay.acknowledgedMs, 'ms'),
      ratio(replay.acknowledgedRatio),
      '≤ 2 × sink',
    ],
    ['replay, counted by zebra', size, `${replay.countedMs ?? '?'} ms`, ratio(replay.countedRatio), '≤ 3.4 × sink'],
    ['memory, fpm2afi', size, `${memory.bridgeFullMB} MB`, `${memory.bridgeBytesPerRoute} B a route`, '≤ 100 B'],
    ['memory, softvasic', size, `${memory.vasicFullMB} MB`, `${memory.vasicBytesPerRoute} B a route`, '≤ 150 B'],
    ['failover, MAC change', size, spreadText(failover.ms, 'ms'), `ip: ${failover.commandMs.median} ms`, '≤ 10 ms'],
    ['punt round trip, idle', size, punt(puntIdle), '', ''],
    ['punt round trip, during a replay', size, punt(puntLoaded), '', 'p99 ≤ 5 ms'],
  ];
}

export function reportText({ when, machine, node, stages, tables }: BenchReport): string {
  const parts = [`\n${when}, ${machine}, Node ${node}; median (least … most)`];
  if (stages.length > 0) {
    const head = ['stage, with all before it', 'routes', 'CPU time', 'routes/s', 'server', 'longest turn'];
    parts.push(table([head, ...stages.map(stageRow)]));
  }
  if (tables.length > 0) {
    parts.push(table([['measured', 'routes', 'result', '', 'goal'], ...tables.flatMap(tableRows)]));
  }
  return parts.join('\n\n');
}
