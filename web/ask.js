// Questions to fpm2afi web, below the same path as the page.

/**
 * Rejects with an Error whose message is for the operator.
 * @param {string} name
 * @param {Record<string, string>} query
 * @returns {Promise<unknown>}
 */
export async function ask(name, query) {
  const response = await fetch(`${name}?${new URLSearchParams(query).toString()}`).catch(() => undefined);
  if (response === undefined)
    throw new Error('fpm2afi web has ended: start it again, and open the address that it prints');
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}
