/**
 * `show`: the nodes of a sandbox, their entries and what its ports are bound to, in lines that can be inserted again: a node comes after
 * those that it leads to, entries after all nodes, bindings last. What is no part of that is a comment.
 */
import {
  TOKEN_FIRST_CLIENT,
  type AftNode,
  type AftPort,
  type AftSandboxInfo,
  type NodeInfo,
  type Token,
} from '../aft/model';
import { ownerText } from '../aft/owner';
import type { SandboxSeen } from '../afi/visitor';
import { write } from '../control/output';
import { formatMac } from '../net/address';
import { OperatorError, UsageError } from '../net/error-text';
import type { Context } from './context';
import type { Arguments, Flags } from './flags';
import { plainEntry, plainNode } from './json';
import { portLabels, withNames } from './names';
import { formatNode, nodesNamed } from './node-text';
import { parseKind } from './properties';
import { formatBind, formatEntry } from './spec-text';
import { formatToken, parseToken, type TokenLabels } from './tokens';

export const SHOW_FLAGS: Flags = {
  token: { value: 'NODE', describe: 'Only this node, by token or name; several times: these' },
  type: { value: 'KIND', describe: 'Only nodes of this kind, such as tree' },
  entries: { describe: 'Also the entries of these nodes' },
  json: { describe: 'Print JSON' },
};

/** Tokens in one question. */
const INFO_BATCH = 5000;
/** Entries in one piece of the output. */
const LINES = 1000;

interface Shown {
  readonly node: AftNode;
  readonly info: NodeInfo;
}

interface View {
  readonly seen: SandboxSeen;
  /** Each after those that it leads to. */
  readonly nodes: readonly Shown[];
  readonly bindings: readonly Shown[];
  /** Not some nodes that were asked for. */
  readonly everything: boolean;
  readonly entriesToo: boolean;
}

/** @throws UsageError, or an error about the server */
export async function show(context: Context, { words, given }: Arguments): Promise<void> {
  if (words.length > 0) throw new UsageError(`show: ${words[0]!} is no flag; a node is named with --token`);
  const json = given.has('json');
  const seen = await context.visitor.look();
  const asked = given.get('token') ?? [];
  const types = (given.get('type') ?? []).map(parseKind);
  if (types.length > 1) throw new UsageError('show: one --type at a time');
  if (seen === undefined) {
    if (asked.length > 0) await context.visitor.see();
    const nothing = `# ${context.place}: not allocated, so there is nothing in it; fpm2afi or the first insert allocates it\n`;
    const empty = { sandbox: null, ports: [], nodes: [], entries: [] };
    return write(context.out, json ? `${JSON.stringify(empty, undefined, 2)}\n` : nothing);
  }
  const tokens = await withNames(context.visitor, seen.info, (names) =>
    asked.map((word) => parseToken('--token', word, names)),
  );
  const view = await readView(context, seen, tokens, types[0], given.has('entries'));
  await (json ? writeJson(context, view) : writeText(context, view));
}

async function readView(
  { visitor }: Context,
  seen: SandboxSeen,
  tokens: readonly Token[],
  type: AftNode['type'] | undefined,
  entriesToo: boolean,
): Promise<View> {
  const found = await visitor.nodes({ ...(tokens.length > 0 && { tokens }), ...(type && { type }) });
  const missing = tokens.find((token) => !found.some((node) => node.token === token));
  if (missing !== undefined && type === undefined) throw new OperatorError(`there is no node ${missing}`);
  const everything = tokens.length === 0 && type === undefined;
  const ports = everything ? await visitor.nodes({ type: 'inputPort' }) : [];
  const isBinding = ({ node }: Shown): boolean => node.type === 'inputPort';
  const shown: Shown[] = [];
  const all = [...inOrder(found), ...ports];
  for (let at = 0; at < all.length; at += INFO_BATCH) {
    const batch = all.slice(at, at + INFO_BATCH);
    const infos = await visitor.nodeInfo(batch.map(({ token }) => token));
    batch.forEach((node, i) => shown.push({ node, info: infos[i]! }));
  }
  const [nodes, bindings] = [shown.filter((one) => !isBinding(one)), shown.filter(isBinding)];
  return { seen, nodes, bindings, everything, entriesToo };
}

/** By token, but each after those that it leads to. */
function inOrder(nodes: readonly AftNode[]): AftNode[] {
  const waiting = new Map([...nodes].sort((a, b) => a.token - b.token).map((node) => [node.token, node]));
  const ordered: AftNode[] = [];
  const place = (first: AftNode): void => {
    waiting.delete(first.token);
    // Not by recursion: chains may be long.
    const path = [{ node: first, below: nodesNamed(first) }];
    for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
      const below = last.below.pop();
      const node = below === undefined ? undefined : waiting.get(below);
      if (node !== undefined) {
        waiting.delete(node.token);
        path.push({ node, below: nodesNamed(node) });
      } else if (below === undefined) ordered.push(path.pop()!.node);
    }
  };
  for (const node of waiting.values()) place(node);
  return ordered;
}

async function writeText(context: Context, { seen, nodes, bindings, everything, entriesToo }: View): Promise<void> {
  const labels = portLabels(seen.info);
  if (everything) await write(context.out, headerText(context, seen));
  else if (nodes.length + bindings.length === 0) await write(context.out, '# no such nodes\n');
  await write(context.out, nodes.map((one) => nodeLine(one, labels)).join(''));
  if (entriesToo) {
    for (const { node, info } of nodes) {
      if (info.entries > 0) await writeEntries(context, node.token, (entry) => `${formatEntry(entry, labels, node)}\n`);
    }
  }
  await write(context.out, bindings.map(({ node }) => bindLine(node, labels)).join(''));
}

function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

function headerText({ place }: Context, { info, holder }: SandboxSeen): string {
  const size = `${count(info.nodes, 'node')}, ${count(info.entries, 'entry', 'entries')}`;
  const who = holder === undefined ? '' : `; last opened by ${ownerText(holder)}`;
  return [`${place}: ${size}${who}`, ...info.inputPorts.map((port) => portText(port, info))]
    .map((line) => `# ${line}\n`)
    .join('');
}

function portText({ index, name, up, mac, packets = 0, drops = 0 }: AftPort, { outputPorts }: AftSandboxInfo): string {
  const out = outputPorts.find((port) => port.index === index);
  const dropped = drops + (out?.drops ?? 0);
  const facts = [
    ...(mac === undefined ? [] : [formatMac(mac)]),
    ...(up === false ? ['down'] : []),
    `${count(packets, 'packet')} in, ${out?.packets ?? 0} out`,
    ...(dropped === 0 ? [] : [`${dropped} dropped`]),
  ];
  return `port ${index} ${name}: ${facts.join('; ')}`;
}

function nodeLine({ node, info }: Shown, labels: TokenLabels): string {
  const line = `${formatNode(node, labels)}${comment(node, info)}\n`;
  return node.token < TOKEN_FIRST_CLIENT ? `# ${line}` : line;
}

/** What is known of a node that isn't part of it. */
function comment(node: AftNode, { packets, bytes, drops, entries, references, counted }: NodeInfo): string {
  const facts = [
    ...(entries > 0 ? [count(entries, 'entry', 'entries')] : []),
    ...(counted ? [`${count(packets, 'packet')}, ${count(bytes, 'byte')}`] : []),
    ...(drops > 0 ? [`${drops} dropped`] : []),
    ...(references === 0 && node.token >= TOKEN_FIRST_CLIENT ? ['nothing leads here'] : []),
  ];
  return facts.length === 0 ? '' : `  # ${facts.join('; ')}`;
}

function bindLine({ token, next }: AftNode, labels: TokenLabels): string {
  const port = formatToken(token, labels).replace(/^in:/, '');
  return next === undefined ? `# bind ${port}: to nothing\n` : `${formatBind(port, next, labels)}\n`;
}

/** Entries of a container as they come, in pieces. */
async function writeEntries(
  { visitor, out }: Context,
  container: Token,
  line: (entry: Parameters<typeof formatEntry>[0]) => string,
): Promise<void> {
  let lines: string[] = [];
  for await (const entry of visitor.entries(container)) {
    if (lines.push(line(entry)) < LINES) continue;
    await write(out, lines.join(''));
    lines = [];
  }
  await write(out, lines.join(''));
}

function portCounters({ token, packets = 0, bytes = 0, drops = 0 }: AftPort): object {
  return { token, packets, bytes, drops };
}

async function writeJson(context: Context, { seen, nodes, bindings, entriesToo }: View): Promise<void> {
  const { info, epoch, holder } = seen;
  const labels = portLabels(info);
  const { engine, name, instance } = info;
  const sandbox = { engine, name, instance, nodes: info.nodes, entries: info.entries, epoch, holder };
  const boundTo = new Map(bindings.map(({ node }) => [node.token, node.next ?? null]));
  const ports = info.inputPorts.map((input) => {
    const { index, name: called, token, mac, up, mtu } = input;
    const output = info.outputPorts.find((port) => port.index === index);
    return {
      ...{ index, name: called, up, mtu, mac: mac && formatMac(mac) },
      ...(boundTo.has(token) && { boundTo: boundTo.get(token) }),
      ...{ in: portCounters(input), out: output && portCounters(output) },
    };
  });
  const plain = nodes.map(({ node, info: { packets, bytes, drops, entries, references } }) => ({
    ...plainNode(node),
    ...{ packets, bytes, drops, entries, references, text: formatNode(node, labels) },
  }));
  const head = JSON.stringify({ sandbox, ports, nodes: plain }, undefined, 2);
  await write(context.out, `${head.slice(0, -2)},\n  "entries": [`);
  let first = true;
  if (entriesToo) {
    for (const { node, info: of } of nodes) {
      if (of.entries === 0) continue;
      await writeEntries(context, node.token, (entry) => {
        const comma = first ? '' : ',';
        first = false;
        return `${comma}\n    ${JSON.stringify(plainEntry(entry))}`;
      });
    }
  }
  await write(context.out, first ? ']\n}\n' : '\n  ]\n}\n');
}
