/**
 * Labelled frames that a host makes itself, for what pings don't come with: traffic classes, reserved and unknown labels. host0 sends
 * them to its port of our router.
 */
import { join } from 'node:path';
import { portMac, vrouterMac } from '../../lab/plan';
import { waitFor } from '../../lab/wait';
import { parseMac } from '../../src/net/address';
import { punted, rowOf, type Observed } from './observed';
import { stackBytes, type StackEntry } from '../bed/labelled';
import { echoRequest } from './labelled-packet';
import { twin } from './plan';

interface FrameCheck {
  readonly name: string;
  readonly stack: readonly StackEntry[];
  readonly target: string;
  readonly rows: readonly string[];
  /** Why the vASIC hands it to the host; absent: it doesn't. */
  readonly reason?: string;
}

const CHECKS: readonly FrameCheck[] = [
  {
    ...{ name: 'our router keeps the traffic class of what it swaps', stack: [[500, 20, 5]], target: '10.77.4.1' },
    rows: ['p0 in 500:20/5 IP 64', 'p4 out 600:19/5 IP 64'],
  },
  {
    ...{ name: 'Linux sends class 0 when it swaps', stack: [[540, 20, 5]], target: '10.78.3.1' },
    rows: ['p0 in 540:20/5 IP 64', 'p1 out 700:19/5 IP 64', 'p2 in 701:18 IP 64', 'p3 out IP 17'],
  },
  {
    ...{ name: 'explicit null with a class', stack: [[0, 20, 3]], target: '10.77.2.1' },
    rows: ['p0 in 0:20/3 IP 64', 'p1 out 303:19 IP 19'],
  },
  {
    ...{ name: 'an IPv6 packet whose label runs out: to Linux with its stack', stack: [[1500, 1]] },
    ...{ target: twin('10.77.4.1'), rows: ['p0 in 1500:1 IP 64'], reason: 'labelTtl' },
  },
  {
    ...{ name: 'what nobody gave out is dropped', stack: [[999_999, 20]], target: '10.77.4.1' },
    rows: ['p0 in 999999:20 IP 64'],
  },
  {
    ...{ name: 'router alert goes to Linux with its stack', stack: [[1, 20], [500, 20]], target: '10.77.4.1' }, // prettier-ignore
    ...{ rows: ['p0 in 1:20 500:20 IP 64'], reason: 'routerAlert' },
  },
];

/** Sends each frame once, and looks at what is on the links then. */
export async function playFrames(observed: Observed): Promise<void> {
  const { stage, report, links } = observed;
  const host = stage.hosts.get(0)!;
  for (const { name, stack, target, rows, reason } of CHECKS) {
    const source = target.includes(':') ? twin('10.78.0.1') : '10.78.0.1';
    const head = Buffer.concat([parseMac(portMac(0))!, parseMac(vrouterMac(0))!, Buffer.from('8847', 'hex')]);
    const hex = Buffer.concat([head, stackBytes(stack), echoRequest(source, target)]).toString('hex');
    const argv = [process.execPath, join(__dirname, 'send-frame.js'), 'veth', hex];
    const look = async () => {
      const before = reason === undefined ? 0 : await punted(observed, reason);
      const mark = links.mark();
      await host.must(argv);
      const requests = () => links.since(mark).filter(({ ip }) => ip?.kind === 'request' && ip.target === target);
      await waitFor(() => requests().length >= rows.length, { timeoutMs: 3000, what: 'all packets' }).catch(() => {});
      const seen = requests().map(rowOf);
      const handed = reason === undefined ? 0 : (await punted(observed, reason)) - before;
      const ok = seen.join() === rows.join() && (reason === undefined || handed === 1);
      const handedTo = reason === undefined ? '' : `; to the host as ${reason}: ${handed}`;
      return { ok, observed: `${seen.join(', ')}${handedTo}${ok ? '' : `; expected ${rows.join(', ')}`}` };
    };
    await report.expect({ name, command: `make mpls-interop; host0: ${argv.join(' ')}`, look, timeoutMs: 5000 });
  }
}
