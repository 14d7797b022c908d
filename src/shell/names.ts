/** What the names of nodes and ports stand for in a sandbox. */
import type { AftPort, AftSandboxInfo, Token } from '../aft/model';
import type { AfiVisitor } from '../afi/visitor';
import { OperatorError, UsageError } from '../net/error-text';
import { portLabel, type TokenLabels, type TokenNames } from './tokens';

/** @throws UsageError naming the ports that there are */
function portIn(ports: readonly AftPort[], text: string): AftPort {
  const found = ports.find(({ index, name }) => text === String(index) || text === name);
  if (found !== undefined) return found;
  const there = ports.map(({ index, name }) => `${index} (${name})`).join(', ');
  throw new UsageError(`there is no port ${text}: there are ${there}`);
}

/** The port that packets can be received on. */
export function inputPort(info: AftSandboxInfo, text: string): AftPort {
  return portIn(info.inputPorts, text);
}

/** How the tokens of the sandbox's ports are shown. */
export function portLabels({ inputPorts, outputPorts }: AftSandboxInfo): TokenLabels {
  const labelsOf = (direction: 'in' | 'out', ports: readonly AftPort[]): [Token, string][] =>
    ports.map(({ index, name, token }) => [token, portLabel(direction, index, name)]);
  return new Map([...labelsOf('in', inputPorts), ...labelsOf('out', outputPorts)]);
}

/**
 * Reads something in which names may stand for nodes: what `read` makes of them, with each name looked up in the sandbox.
 * @param own the nodes that what was read brings itself, by name
 * @throws OperatorError for a name that no node or more than one has; what `read` throws
 */
export async function withNames<Value>(
  visitor: AfiVisitor,
  info: AftSandboxInfo,
  read: (names: TokenNames) => Value,
  own: (value: Value) => ReadonlyMap<string, Token> = () => new Map(),
): Promise<Value> {
  const ports = {
    port: (direction: 'in' | 'out', text: string) =>
      portIn(direction === 'in' ? info.inputPorts : info.outputPorts, text).token,
    portIndex: (text: string) => inputPort(info, text).index,
  };
  // Which names there are is known when everything was read once.
  const wanted = new Set<string>();
  const first = read({ ...ports, named: (name) => wanted.add(name).size });
  if (wanted.size === 0) return first;
  const brought = own(first);
  const known = new Map(brought);
  for (const name of wanted) if (!known.has(name)) known.set(name, await tokenNamed(visitor, name));
  return read({ ...ports, named: (name) => known.get(name)! });
}

async function tokenNamed(visitor: AfiVisitor, name: string): Promise<Token> {
  const found = await visitor.nodes({ name });
  if (found.length === 1) return found[0]!.token;
  if (found.length === 0) throw new OperatorError(`there is no node named ${name}; show lists those that there are`);
  const all = found.map(({ token, type }) => `${token} (${type})`).join(', ');
  throw new OperatorError(`${name} is the name of several nodes: name one of ${all} by its token`);
}
