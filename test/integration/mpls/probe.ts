/** Frames that a host sends into its port of the vASIC, one at a time or many, and where and as what they come out again. */
import type { LabNode } from '../../../lab/node';
import { portMac, vrouterMac } from '../../../lab/plan';
import { waitFor } from '../../../lab/wait';
import { frameOf, markOf, type Label, type Packet } from './frames';
import { Ears, send } from './wire';

/** An IP packet, and the labels in front of it, outermost first. */
export type Case = Omit<Packet, 'marker'> & { readonly labels: readonly Label[] };

export const entry = (label: number, ttl: number, tc = 0): Label => ({ label, tc, ttl });
export const packet = (to: string, ttl = 64): Omit<Packet, 'marker'> => ({ to, ttl });

/** The hosts listen; host N is at port N, as lab/hosts-topology.ts has them. */
export class Probe {
  private marker = 20_000;

  private constructor(
    private readonly hosts: readonly LabNode[],
    private readonly ears: Ears,
  ) {}

  static async open(hosts: readonly LabNode[]): Promise<Probe> {
    return new Probe(hosts, await Ears.open(hosts));
  }

  /** Sends them into a port; each comes back as what it is known by. */
  async send(cases: readonly Case[], from = 0): Promise<string[]> {
    const marked = cases.map(({ labels, ...rest }) => ({ labels, packet: { ...rest, marker: this.marker++ } }));
    const frames = marked.map(({ labels, packet: one }) => frameOf(portMac(from), vrouterMac(from), labels, one));
    await send(this.hosts[from]!, frames);
    return marked.map(({ packet: { marker } }) => markOf(marker));
  }

  /** Where one came out, and the frame: `1 3226…`. */
  heard(mark: string): string[] {
    return this.ears.heard(mark);
  }

  /** Sends it, and hears it come out somewhere. */
  async outcome(sent: Case, from = 0): Promise<string[]> {
    const [mark] = await this.send([sent], from);
    await waitFor(() => this.heard(mark!).length > 0, { timeoutMs: 20_000, what: 'the frame' });
    return this.heard(mark!);
  }

  /** The same for one that has to come out of this port only, with these labels, and this TTL behind them. */
  async expectOut(sent: Case, port: number, labels: readonly Label[], ttl: number): Promise<void> {
    const marker = this.marker;
    const { from } = sent;
    const inner = { to: sent.to, ...(from === undefined ? {} : { from }), ttl, marker };
    expect(await this.outcome(sent)).toEqual([`${port} ${frameOf(vrouterMac(port), portMac(port), labels, inner)}`]);
  }

  /** Sends them all, and says for each by which port and with which label on top it came out: `1 204`. */
  async outcomes(cases: readonly Case[]): Promise<string[]> {
    const marks = await this.send(cases);
    const heard = (): string[] => marks.flatMap((mark) => this.heard(mark).slice(0, 1));
    await waitFor(() => heard().length === marks.length, { timeoutMs: 20_000, what: 'all frames' });
    return heard().map((out) => {
      const [port, frame] = out.split(' ');
      return `${port} ${parseInt(frame!.slice(28, 33), 16)}`;
    });
  }

  close(): Promise<void> {
    return this.ears.close();
  }
}

/** How many packets were handed to the host for a reason so far. */
export async function passed(router: LabNode, reason: string): Promise<number> {
  const shown = JSON.parse(await router.must(['fpm2afi', 'show', 'punt', '--json'])) as {
    reason: string;
    passed: number;
  }[];
  return shown.find((one) => one.reason === reason)!.passed;
}
