/** HTTP from within a node's namespace. */
import type { LabNode } from './node';

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** In the namespace, which this process isn't in. */
const PROGRAM = `
const get = async (url) => { const answer = await fetch(url); return { status: answer.status, body: await answer.text() }; };
Promise.all(JSON.parse(process.argv[1]).map(get)).then((answers) => process.stdout.write(JSON.stringify(answers)));
`;

/** Gets them all at once; the answers in the order of the addresses. Throws where nobody answers. */
export async function httpGet(node: LabNode, urls: readonly string[]): Promise<readonly HttpAnswer[]> {
  return JSON.parse(await node.must([process.execPath, '-e', PROGRAM, JSON.stringify(urls)])) as HttpAnswer[];
}
