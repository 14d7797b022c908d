/** `test` and `inject`: which way a packet would take, and one that takes it. */
import type { AftPort, AftSandboxInfo } from '../aft/model';
import type { TestReply } from '../aft/wire';
import type { TraceStep } from '../control/explain-types';
import { write } from '../control/output';
import { engineLines, outcomeText, stepLines } from '../control/trace-text';
import { parseMac } from '../net/address';
import { OperatorError, UsageError } from '../net/error-text';
import { buildProbe, probeText } from '../net/probe';
import { parseProbe, PROBE_WORDS, WordError } from '../net/probe-words';
import { engineView, outcomeView } from '../views/trace-outcome';
import { writing } from './change';
import type { Context } from './context';
import type { Arguments, Flags } from './flags';
import { inputPort } from './names';
import { splitPair } from './words';

export const TEST_FLAGS: Flags = { json: { describe: 'Print JSON' } };

/** What a packet is described by, beside the words of its parts. */
const FRAME_WORDS = ['dmac', 'smac'] as const;
const KNOWN: readonly string[] = [...PROBE_WORDS, ...FRAME_WORDS, 'hex'];
/** Where a packet comes from that nothing is said of (RFC 5737, RFC 3849). */
const SOURCE = { ip4: '192.0.2.1', ip6: '2001:db8::1' };
const BROADCAST = new Uint8Array(6).fill(0xff);

interface Frame {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** Hardware addresses where none are given; absent: the port's isn't known. */
interface Ends {
  readonly to: Uint8Array | undefined;
  readonly from?: Uint8Array | undefined;
}

/**
 * The frame that words describe: `hex=…`, or `dst=ADDRESS` and what else is to be said.
 * @throws UsageError
 */
function frameOf(command: string, words: readonly string[], ends: Ends): Frame {
  const given = new Map<string, string>();
  for (const word of words) {
    const pair = splitPair(word);
    if (pair === undefined || !KNOWN.includes(pair.name)) {
      throw new UsageError(
        `${command}: ${word}: a packet is described by ${KNOWN.map((name) => `${name}=`).join(' ')}`,
      );
    }
    if (given.has(pair.name)) throw new UsageError(`${command}: ${pair.name} is given twice`);
    given.set(pair.name, pair.value);
  }
  const hex = given.get('hex');
  if (hex !== undefined) {
    if (given.size > 1) throw new UsageError(`${command}: hex= is the whole frame: nothing else beside it`);
    const bytes = hexBytes(command, hex);
    return { bytes, text: `a frame of ${bytes.length} bytes` };
  }
  const address = (name: 'dmac' | 'smac'): Uint8Array | undefined => {
    const text = given.get(name);
    if (text === undefined) return undefined;
    const mac = parseMac(text);
    if (mac === undefined) throw new UsageError(`${command}: ${name}: ${text} is not a hardware address`);
    return mac;
  };
  const dst = given.get('dst');
  if (dst === undefined) throw new UsageError(`${command}: which packet? dst=ADDRESS or hex=…`);
  const source = dst.includes(':') ? SOURCE.ip6 : SOURCE.ip4;
  const to = address('dmac') ?? ends.to;
  if (to === undefined) throw new UsageError(`${command}: the server doesn't tell the port's address: give dmac=`);
  try {
    const probe = parseProbe((name) => given.get(name) ?? (name === 'src' ? source : null));
    return { bytes: buildProbe(probe, to, address('smac') ?? ends.from), text: probeText(probe) };
  } catch (error) {
    throw error instanceof WordError ? new UsageError(`${command}: ${error.message}`) : error;
  }
}

function hexBytes(command: string, text: string): Uint8Array {
  const digits = text.replace(/[:.-]/g, '');
  if (!/^([0-9a-f]{2})+$/i.test(digits)) {
    throw new UsageError(`${command}: hex: ${text} is not pairs of hexadecimal digits, such as 0200…0800…`);
  }
  return Buffer.from(digits, 'hex');
}

const portText = ({ index, name }: AftPort): string => `port ${index} (${name})`;
const tapsOf = ({ outputPorts }: AftSandboxInfo): { readonly index: number; readonly tap: string }[] =>
  outputPorts.map(({ index, name }) => ({ index, tap: name }));

/** @throws UsageError, or an error about the server */
export async function test(context: Context, { words, given }: Arguments): Promise<void> {
  const { visitor, out } = context;
  const [portWord, ...packet] = words;
  if (portWord === undefined) throw new UsageError('test: PORT and a packet are missing: test ge0 dst=10.1.2.3');
  const { info } = await visitor.see();
  const port = inputPort(info, portWord);
  const frame = frameOf('test', packet, { to: port.mac });
  const reply = await visitor.test(port.index, frame.bytes);
  const steps = await named(context, reply);
  const outcome = outcomeView(tapsOf(info), reply.outcome);
  const { engine } = engineView(reply);
  if (given.has('json')) {
    const input = { port: port.index, name: port.name };
    const view = { packet: frame.text, input, steps, outcome, ...(engine && { engine }) };
    return write(out, `${JSON.stringify(view, undefined, 2)}\n`);
  }
  const lines = [
    `${frame.text}, in by ${portText(port)}`,
    ...['', ...stepLines(steps), ''],
    ...[outcomeText(outcome), ...engineLines(engine)],
  ];
  await write(out, lines.map((line) => `${line}\n`).join(''));
}

/** The steps, with the names of their nodes. */
async function named({ visitor }: Context, { steps }: TestReply): Promise<TraceStep[]> {
  const nodes = await visitor.nodes({ tokens: steps.map(({ token }) => token) });
  const names = new Map(nodes.map(({ token, name }) => [token, name]));
  return steps.map((step) => ({ ...step, purpose: names.get(step.token) ?? '' }));
}

/** @throws UsageError, or an OperatorError where the sandbox is somebody else's or the port doesn't take the frame */
export async function inject({ visitor, out }: Context, { words }: Arguments): Promise<void> {
  const [direction, portWord, ...packet] = words;
  if ((direction !== 'in' && direction !== 'out') || portWord === undefined) {
    throw new UsageError('inject: in PORT or out PORT, and a packet: inject in ge0 dst=10.1.2.3');
  }
  const { info } = await visitor.allocate();
  const port = inputPort(info, portWord);
  const ends = direction === 'in' ? { to: port.mac } : { to: BROADCAST, from: port.mac };
  const { bytes, text } = frameOf('inject', packet, ends);
  const taken = await writing(() => visitor.inject(direction, port.index, bytes));
  if (!taken) throw new OperatorError(`${portText(port)} didn't take the frame: is it up? (show says)`);
  await write(out, `${text}: ${direction === 'in' ? 'in by' : 'out of'} ${portText(port)}\n`);
}
