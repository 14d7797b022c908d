// The page: what goes on, as samples come.
import { byId, element, fillTable } from './dom.js';
import { showPorts } from './ports.js';
import { showStates } from './routes.js';
import { answerForms } from './story.js';

/** @param {string} text */
function notice(text) {
  const place = byId('notice');
  place.textContent = text;
  place.hidden = text === '';
}

/** @param {import('../src/web/page-view').PageView} view */
function show(view) {
  notice('');
  byId('daemon').textContent = view.daemon;
  byId('when').textContent = view.when;
  byId('sessions').replaceChildren(
    ...view.sessions.flatMap(({ title, text, mark }) => [
      element('dt', {}, title),
      element('dd', mark === undefined ? {} : { class: mark }, text),
    ]),
  );
  const problems = view.problems.map((text) => element('li', { class: 'bad' }, text));
  byId('problems').replaceChildren(...(problems.length === 0 ? [element('li', {}, 'None.')] : problems));
  showStates(view);
  showPorts(view);
  for (const name of /** @type {const} */ (['routes', 'latency', 'punt'])) {
    fillTable(byId(name), view[name].columns, view[name].rows);
  }
}

answerForms();
const live = new EventSource('live');
live.addEventListener('sample', ({ data }) => show(JSON.parse(data)));
live.addEventListener('absent', ({ data }) => notice(`${JSON.parse(data).error}\nBelow is what was known before.`));
live.addEventListener('error', () =>
  notice('fpm2afi web has ended, or can’t be reached. Below is what was known before.'),
);
