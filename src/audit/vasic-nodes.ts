/**
 * The nodes of the vASIC compared with what the programmer has acknowledged. As with entries, what looks wrong is read a second
 * time, and a node that is being written is left out.
 */
import { keyText, type ProgrammedNode } from '../afi/graph';
import { TOKEN_FIRST_CLIENT, type AftNode, type Token } from '../aft/model';
import { formatMac } from '../net/address';
import type { Findings } from './findings';
import type { VasicParts } from './vasic-routes';

/** What a repair has to write, or to remove. */
export interface NodeRepairs {
  readonly wrong: readonly ProgrammedNode[];
  readonly foreign: readonly AftNode[];
}

interface Suspect {
  readonly programmed: ProgrammedNode | undefined;
  readonly kind: 'missing' | 'surplus' | 'differs';
  readonly found: AftNode | undefined;
  readonly why: string;
}

/** Compares, and adds to the findings. Rejects when the vASIC can't be read. */
export async function auditNodes(parts: VasicParts, findings: Findings): Promise<NodeRepairs> {
  const count = (): void => void findings.compared++;
  const first = await compare(parts, undefined, count);
  if (first.size === 0) return { wrong: [], foreign: [] };
  const second = await compare(parts, new Set(first.keys()), () => undefined);
  const wrong = new Map<string, ProgrammedNode>();
  const foreign: AftNode[] = [];
  for (const [token, { programmed, kind, found, why }] of second) {
    const name = programmed === undefined ? `${found?.type ?? ''} node` : programmed.name;
    findings.add(kind, () => ({ what: `node ${token} (${name})`, why }));
    if (programmed !== undefined) wrong.set(`${programmed.layer} ${programmed.id}`, programmed);
    else if (found !== undefined) foreign.push(found);
  }
  return { wrong: [...wrong.values()], foreign };
}

async function compare(
  { programmer, transport }: VasicParts,
  only: ReadonlySet<Token> | undefined,
  count: () => void,
): Promise<Map<Token, Suspect>> {
  const found = new Map<Token, AftNode>();
  for await (const { nodes } of transport.find(only === undefined ? {} : { tokens: [...only] })) {
    for (const node of nodes) if (node.token >= TOKEN_FIRST_CLIENT) found.set(node.token, node);
  }
  const suspects = new Map<Token, Suspect>();
  const tables: ProgrammedNode[] = [];
  for (const programmed of programmer.tables.programmed()) {
    const { token, node, entries } = programmed;
    const there = found.get(token);
    found.delete(token);
    if (node === undefined || only?.has(token) === false) continue;
    count();
    const suspect = (kind: Suspect['kind'], why: string): void =>
      void suspects.set(token, { programmed, kind, found: there, why });
    if (there === undefined) suspect('missing', 'acknowledged, and the vASIC has no such node');
    else {
      const [has, should] = [nodeContent(there), nodeContent(node)];
      if (has !== should) suspect('differs', `the vASIC has ${has}, acknowledged was ${should}`);
      else if (entries !== undefined) tables.push(programmed);
    }
  }
  const going = programmer.removing();
  for (const [token, node] of found) {
    if (going.has(token)) continue;
    const why = 'the vASIC has a node that nothing here made';
    suspects.set(token, { programmed: undefined, kind: 'surplus', found: node, why });
  }
  for (const programmed of tables) {
    const why = await differenceInEntries(transport, programmed);
    if (why !== undefined) suspects.set(programmed.token, { programmed, kind: 'differs', found: undefined, why });
  }
  return suspects;
}

/** What is wrong with the entries of a load balancer or switch. */
async function differenceInEntries(
  transport: VasicParts['transport'],
  { token, entries }: ProgrammedNode,
): Promise<string | undefined> {
  let [same, others] = [0, 0];
  for await (const reply of transport.find({ entriesOf: token })) {
    for (const { key, next } of reply.entries) {
      if (entries!.get(keyText(key)) === next) same++;
      else others++;
    }
  }
  const missing = entries!.size - same;
  return missing === 0 && others === 0
    ? undefined
    : `${missing} of its ${entries!.size} entries are not as acknowledged`;
}

/** What a node does, as text: without its names, which nothing depends on, and parameters, but for those of labels. */
function nodeContent(node: AftNode): string {
  const isLabel = (node.type === 'encap' || node.type === 'decap') && node.template === 'label';
  const params = isLabel ? node.params : undefined;
  return JSON.stringify({ ...node, token: undefined, name: undefined, params }, (_key, value: unknown) => {
    if (value instanceof Uint8Array) return value.length === 6 ? formatMac(value) : Buffer.from(value).toString('hex');
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
