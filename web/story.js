// The story of a route, or the way of a packet: as the command line tells it, and drawn.
import { ask } from './ask.js';
import { byId, element } from './dom.js';

/** Answers may come in another order than they were asked for. */
let asked = 0;

/**
 * @param {'why' | 'trace'} what
 * @param {Record<string, string>} query
 */
export async function tell(what, query) {
  const number = ++asked;
  const content = await contentOf(what, query);
  if (number !== asked) return;
  byId('story').replaceChildren(...content);
  byId('story').scrollIntoView({ block: 'nearest' });
}

/**
 * @param {'why' | 'trace'} what
 * @param {Record<string, string>} query
 * @returns {Promise<Node[]>}
 */
async function contentOf(what, query) {
  try {
    const { text, picture } = /** @type {import('../src/web/answers').StoryAnswer} */ (await ask(what, query));
    const drawn = picture === undefined ? [] : [element('figure', {}, drawing(picture))];
    return [element('pre', {}, text), ...drawn];
  } catch (error) {
    return [element('p', { class: 'bad' }, /** @type {Error} */ (error).message)];
  }
}

/** @param {string} svg */
function drawing(svg) {
  return document.importNode(new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement, true);
}

/** Has the two forms ask; what is empty isn't asked. */
export function answerForms() {
  for (const what of /** @type {const} */ (['why', 'trace'])) {
    const form = /** @type {HTMLFormElement} */ (byId(what));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const fields = [...new FormData(form)].map(([name, value]) => [name, String(value).trim()]);
      void tell(what, Object.fromEntries(fields.filter(([, value]) => value !== '')));
    });
  }
}
