// Routes by state: a bar, and a button for each state that lists its routes.
import { ask } from './ask.js';
import { tell } from './story.js';
import { byId, element, fillTable, shape } from './dom.js';

const WIDTH = 1000;

/** @param {import('../src/web/page-view').PageView} view */
export function showStates({ states, known }) {
  const total = Math.max(
    1,
    states.reduce((sum, { count }) => sum + count, 0),
  );
  let x = 0;
  const parts = states.map(({ state, count }) => {
    const width = (WIDTH * count) / total;
    const part = shape('rect', { class: state, x: String(x), y: '0', width: String(width), height: '12' });
    x += width;
    return part;
  });
  byId('bar').replaceChildren(...parts);
  byId('known').textContent = known.join(' ');
  byId('states').replaceChildren(...states.map(({ state, count }) => stateButton(state, count)));
}

/**
 * @param {string} state
 * @param {number} count
 */
function stateButton(state, count) {
  const button = element(
    'button',
    { type: 'button' },
    element('span', { class: `swatch ${state}` }),
    `${state} ${count}`,
  );
  button.addEventListener('click', () => void list(state));
  return button;
}

/** @param {string} state */
async function list(state) {
  const place = byId('list');
  place.hidden = false;
  try {
    const answer = /** @type {import('../src/web/answers').RoutesAnswer} */ (await ask('routes', { state }));
    const table = element('table');
    const rows = answer.rows.flatMap(({ lines }) => lines.map((cells) => ({ cells })));
    fillTable(table, answer.columns, rows);
    linkStories(table, answer.rows);
    const count = answer.rows.length;
    const text = count === 0 ? `No route is ${state}.` : `${answer.more ? 'The first ' : ''}${count} ${state}`;
    place.replaceChildren(element('p', {}, text), table);
  } catch (error) {
    place.replaceChildren(element('p', { class: 'bad' }, /** @type {Error} */ (error).message));
  }
}

/**
 * Prefixes lead to their stories.
 * @param {HTMLTableElement} table
 * @param {import('../src/web/answers').RoutesAnswer['rows']} routes
 */
function linkStories(table, routes) {
  let row = 0;
  for (const { lines, why } of routes) {
    const cell = table.tBodies[0]?.rows[row]?.cells[0];
    row += lines.length;
    const link = element('button', { type: 'button', class: 'link' }, cell?.textContent ?? '');
    link.addEventListener('click', () => void tell('why', why));
    cell?.replaceChildren(link);
  }
}
