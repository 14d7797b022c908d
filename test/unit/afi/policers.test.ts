/** Rate limits for what goes to the host: a flood for one reason leaves the others alone, and everything is counted. */
import { policerToken, policerTokens, puntLimits, type PuntLimits } from '../../../src/afi/policers';
import { PuntReason } from '../../../src/aft/model';
import { parseConfig } from '../../../src/config/load';
import { puntReasons } from '../../../src/views/punt';
import { Bed, Server } from '../../bed/bed';

const DEFAULTS = parseConfig('ports: [{ index: 0, tap: tap0 }]', 'f.yaml').punt.policers;
const MAC = '02:00:00:00:00:0a';

/** Milliseconds; stands still unless a test moves it. */
let time = 0;

async function routed(limits: PuntLimits = puntLimits(DEFAULTS)): Promise<Bed> {
  const bed = await new Bed(new Server({ now: () => time }), { limits }).up();
  bed.neighbor(1, '10.0.1.2', MAC).via('192.0.2.0/24', '10.0.1.2@1').via('10.0.2.0/24', '@2').address(2, '10.0.2.1/24');
  return bed.settle();
}

/** What the vASIC counted for a reason. */
function counted(bed: Bed, reason: PuntReason): { passed: number; dropped: number } {
  const [info] = bed.server.sandbox.nodeInfo([policerToken(reason, 0)]);
  return { passed: info!.packets, dropped: info!.drops };
}

const FLOODS: [string, PuntReason, (bed: Bed, i: number) => string][] = [
  ['expired TTLs', PuntReason.TtlExpired, (bed, i) => bed.packet('192.0.2.9', 0, { ttl: 1, sport: i & 0xffff })],
  ['gleaning', PuntReason.Glean, (bed, i) => bed.packet(`10.0.2.${2 + (i % 250)}`)],
  ['no route', PuntReason.NoRoute, (bed, i) => bed.packet(`172.16.${i & 255}.1`)],
];

test.each(FLOODS)('a flood of %s is cut, and OSPF, BGP and forwarding do not notice', async (_what, reason, send) => {
  const bed = await routed();
  let [punted, dropped] = [0, 0];
  for (let i = 0; i < 12_000; i++) {
    const seen = send(bed, i);
    if (seen === `punt ${reason}`) punted++;
    else if (seen === 'dropped') dropped++;
    if (i % 100 !== 0) continue;
    expect(bed.packet('224.0.0.5')).toBe(`punt ${PuntReason.Multicast}`);
    expect(bed.packet('ff02::5')).toBe(`punt ${PuntReason.Multicast}`);
    expect(bed.packet('10.0.2.1')).toBe(`punt ${PuntReason.Local}`);
    expect(bed.packet('192.0.2.9')).toBe(`p1 ${MAC.replaceAll(':', '')}`);
  }
  expect(punted + dropped).toBe(12_000);
  // A second's worth at once; the clock stands still.
  expect(punted).toBe(puntLimits(DEFAULTS)[reason]!);
  expect(counted(bed, reason)).toEqual({ passed: punted, dropped });
  expect(counted(bed, PuntReason.Multicast)).toEqual({ passed: 240, dropped: 0 });
  expect(counted(bed, PuntReason.Local)).toEqual({ passed: 120, dropped: 0 });
});

test('0 is no limit', async () => {
  const bed = await routed(puntLimits({ ...DEFAULTS, ttlExpired: 0 }));
  for (let i = 0; i < 3000; i++) {
    if (bed.packet('192.0.2.9', 0, { ttl: 1 }) !== `punt ${PuntReason.TtlExpired}`) throw new Error(`packet ${i}`);
  }
  expect(counted(bed, PuntReason.TtlExpired)).toEqual({ passed: 3000, dropped: 0 });
});

test('a restarted bridge changes limits in place; counters go on', async () => {
  const bed = await routed();
  for (let i = 0; i < 10; i++) bed.packet('192.0.2.9', 0, { ttl: 1 });
  await new Bed(bed.server, { limits: { [PuntReason.TtlExpired]: 1 } }).up();
  for (let i = 0; i < 10; i++) bed.packet('192.0.2.9', 0, { ttl: 1 });
  expect(counted(bed, PuntReason.TtlExpired)).toEqual({ passed: 11, dropped: 9 });
  time += 3000;
  for (let i = 0; i < 10; i++) bed.packet('192.0.2.9', 0, { ttl: 1 });
  expect(counted(bed, PuntReason.TtlExpired)).toEqual({ passed: 12, dropped: 18 });
});

test('shown by reason: the names of the configuration, counters, what reached Linux', async () => {
  const bed = await routed();
  for (let i = 0; i < 5; i++) bed.packet('10.0.2.7');
  const infos = bed.server.sandbox.nodeInfo(policerTokens([0, 1, 2, 3]));
  const reasons = [{ reason: PuntReason.Glean, packets: 4 }];
  const drops = {
    foreignSender: 0,
    malformedHeader: 0,
    wrongDirection: 0,
    unknownSandbox: 0,
    unknownPort: 0,
    shortFrame: 0,
  };
  const views = puntReasons(DEFAULTS, [0, 1, 2, 3], infos, { ports: [], reasons, drops, restarts: 0 });
  expect(views.map(({ reason }) => reason)).toEqual(Object.keys(DEFAULTS));
  expect(views.find(({ reason }) => reason === 'glean')).toEqual({
    reason: 'glean',
    passed: 5,
    dropped: 0,
    rate: 1000,
    delivered: 4,
  });
  expect(puntReasons(DEFAULTS, [0], [], undefined)[1]).toEqual({ reason: 'glean', rate: 1000 });
});
