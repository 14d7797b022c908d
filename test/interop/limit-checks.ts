/** What doesn't fit, and what runs out: TTLs at either router, and the MTU with labels. */
import type { Observation } from '../../demo/scenes/report';
import { waitFor } from '../../lab/wait';
import { packetsOf, pingFrom, punted, rowOf, type Observed, type Pinger, type PingOptions } from './observed';
import { twin } from './plan';

interface LimitCheck {
  readonly name: string;
  readonly from: Pinger;
  readonly source: string;
  readonly target: string;
  readonly options: PingOptions;
  /** What has to be on the links; only requests, and only these. */
  readonly rows: readonly string[];
  readonly answered: boolean;
  /** Why the vASIC hands it to the host; absent: it doesn't. */
  readonly reason?: string;
  /** What the pinger has to be told. */
  readonly told?: RegExp;
}

/** Plays them all. */
export async function playLimits(observed: Observed): Promise<void> {
  const swap = { from: 'host0', source: '10.78.0.1', target: '10.78.3.1' } as const;
  const swap6 = { from: 'host0', source: twin('10.78.0.1'), target: twin('10.78.3.1') } as const;
  const core = { from: 'machine', source: '10.77.5.1', target: '10.77.4.1' } as const;
  const full = ['p0 in IP 64', 'p1 out 700:63 IP 63', 'p2 in 701:62 IP 63', 'p3 out IP 61'];
  const full6 = full.map((row) => row.replace(/70(\d):/, '170$1:'));
  const checks: readonly LimitCheck[] = [
    {
      ...{ name: 'TTL 1 at our edge: Linux behind it answers', ...swap, options: { ttl: 1 }, rows: ['p0 in IP 1'] },
      ...{ answered: false, reason: 'ttlExpired', told: /From 10\.1\.0\.1 .*Time to live exceeded/ },
    },
    {
      ...{ name: 'hop limit 1 at our edge', ...swap6, options: { ttl: 1 }, rows: ['p0 in IP 1'], answered: false },
      ...{ reason: 'ttlExpired', told: /From 2001:db8::1 .*Time exceeded/ },
    },
    {
      ...{ name: 'TTL 1 on the label at Linux, the P: it says nothing', ...swap, options: { ttl: 2 } },
      ...{ rows: ['p0 in IP 2', 'p1 out 700:1 IP 1'], answered: false, told: /100% packet loss/ },
    },
    {
      ...{ name: 'the same in IPv6', ...swap6, options: { ttl: 2 }, rows: ['p0 in IP 2', 'p1 out 1700:1 IP 1'] },
      ...{ answered: false, told: /100% packet loss/ },
    },
    {
      ...{ name: 'TTL 1 on the label at our router, the P: to Linux with its stack', ...core, options: { ttl: 1 } },
      ...{ rows: ['p1 in 500:1 IP 1'], answered: false, reason: 'labelTtl' },
    },
    {
      ...{ name: 'the largest packet that fits with its label', ...swap, options: { size: 1468, dontFragment: true } },
      ...{ rows: full, answered: true },
    },
    {
      ...{ name: 'one byte more: Linux behind us answers', ...swap, options: { size: 1469, dontFragment: true } },
      ...{ rows: ['p0 in IP 64'], answered: false, reason: 'mtu', told: /From 10\.1\.0\.1 .*mtu = 1496/ },
    },
    {
      ...{ name: 'the largest IPv6 packet that fits', ...swap6, options: { size: 1448, dontFragment: true } },
      ...{ rows: full6, answered: true },
    },
    {
      ...{ name: 'one byte more, IPv6', ...swap6, options: { size: 1449, dontFragment: true }, rows: ['p0 in IP 64'] },
      ...{ answered: false, reason: 'mtu', told: /From 2001:db8::1 .*mtu=1496/ },
    },
    {
      ...{ name: 'Linux at the edge cuts what is too large with its label', ...core, options: { size: 1476 } },
      ...{ rows: ['p1 in 500:64 IP 64', 'p4 out 600:63 IP 64'], answered: true },
    },
  ];
  for (const check of checks) await limit(observed, check);
}

async function limit(observed: Observed, check: LimitCheck): Promise<void> {
  const { stage, report, links } = observed;
  const { name, source, target, rows, reason, told } = check;
  const { command, run } = pingFrom(stage, check, check.options);
  const look = async (): Promise<Observation> => {
    const before = reason === undefined ? 0 : await punted(observed, reason);
    const mark = links.mark();
    const pinged = await run();
    const requests = (): readonly string[] =>
      packetsOf(links.since(mark), source, target)
        .filter(({ ip }) => ip?.kind === 'request')
        .map(rowOf);
    await waitFor(() => requests().length >= rows.length, { timeoutMs: 3000, what: 'all packets' }).catch(() => {});
    const seen = requests();
    const handed = reason === undefined ? 0 : (await punted(observed, reason)) - before;
    const ok =
      seen.join() === rows.join() &&
      pinged.answered === check.answered &&
      (reason === undefined || handed === 1) &&
      (told === undefined || told.test(pinged.text));
    const host = reason === undefined ? '' : `; to the host as ${reason}: ${handed}`;
    const wanted = ok ? '' : `; expected ${rows.join(', ')}; ping said: ${pinged.text}`;
    return { ok, observed: `${seen.join(', ')}; ${pinged.answered ? 'answered' : 'not answered'}${host}${wanted}` };
  };
  await report.expect({ name, command, look, timeoutMs: 5000 });
}
