// Ports with what passes them, and how that went on while the page was open.
import { byId, element, fillTable, shape } from './dom.js';

/** Samples that a trend goes back. */
const MOST = 60;
/** Where the trend has the most. */
const HEIGHT = 20;

/** By TAP, the latest last. @type {Map<string, number[]>} */
const trends = new Map();

/** @param {import('../src/web/page-view').PageView} view */
export function showPorts({ ports: { columns, rows }, traffic }) {
  const table = byId('ports');
  fillTable(table, columns, rows);
  table.querySelector('thead tr')?.append(element('th', {}, 'bit/s, both ways'));
  table.querySelectorAll('tbody tr').forEach((row, i) => {
    const tap = rows[i]?.cells[1] ?? '';
    const now = traffic[i] ?? null;
    const values = [...(trends.get(tap) ?? []), ...(now === null ? [] : [now])].slice(-MOST);
    trends.set(tap, values);
    row.append(element('td', {}, trend(values)));
  });
}

/** @param {readonly number[]} values */
function trend(values) {
  const most = Math.max(1, ...values);
  const points = values.map((value, i) => `${MOST - values.length + i},${HEIGHT - (HEIGHT * value) / most}`);
  const picture = {
    class: 'trend',
    viewBox: `0 0 ${MOST} ${HEIGHT}`,
    preserveAspectRatio: 'none',
    'aria-hidden': 'true',
  };
  return shape('svg', picture, shape('polyline', { points: points.join(' ') }));
}
