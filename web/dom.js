// What the page is made of. Texts are only ever set as texts, so nothing that the daemon says can be markup.

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no ${id}`);
  return found;
}

/**
 * An element with these attributes, and what is in it.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} content
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...content) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...content);
  return made;
}

/**
 * The same for what pictures are drawn of.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} attributes
 * @param {...Node} content
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function shape(tag, attributes = {}, ...content) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...content);
  return made;
}

/**
 * A line of a table.
 * @param {'th' | 'td'} tag
 * @param {readonly import('../src/control/table').Column[]} columns
 * @param {readonly string[]} cells
 * @param {string | undefined} mark
 * @returns {HTMLTableRowElement}
 */
function line(tag, columns, cells, mark) {
  const made = cells.map((cell, i) => element(tag, columns[i]?.right ? { class: 'right' } : {}, cell));
  return element('tr', mark === undefined ? {} : { class: mark }, ...made);
}

/**
 * Fills a table; one without rows is empty.
 * @param {HTMLElement} table
 * @param {readonly import('../src/control/table').Column[]} columns
 * @param {readonly { readonly cells: readonly string[], readonly mark?: string }[]} rows
 */
export function fillTable(table, columns, rows) {
  if (rows.length === 0) return table.replaceChildren();
  const titles = columns.map(({ title }) => title);
  table.replaceChildren(
    element('thead', {}, line('th', columns, titles, undefined)),
    element('tbody', {}, ...rows.map(({ cells, mark }) => line('td', columns, cells, mark))),
  );
}
