/** Frames for group addresses reach the host through the graph that the bridge builds, with the reason that they have. */
import { PuntReason } from '../../../src/aft/model';
import { policerToken, puntLimits } from '../../../src/afi/policers';
import { parseConfig } from '../../../src/config/load';
import { packetOf } from '../../../src/vasic/engine/packet';
import { Bed, Server } from '../../bed/bed';

const body = Buffer.alloc(100, 7);

function frameOf(to: string, typeAndRest: string): Buffer {
  return Buffer.concat([Buffer.from(`${to}0200000000aa${typeAndRest}`, 'hex'), body]);
}

const ISIS = frameOf('0180c2000014', '0064fefe03');
const ARP = frameOf('ffffffffffff', '0806');
/** A UDP packet of IPv4, as far as its header goes. */
const IP4 = '080045000064000000004011000001020304e0000005';

test.each([
  ['IS-IS hello (802.3 with LLC, to AllL1ISs)', ISIS, PuntReason.Isis],
  ['LLDP', frameOf('0180c200000e', '88cc'), PuntReason.NonIp],
  ['ARP request', ARP, PuntReason.Arp],
  ['IPv4 multicast', frameOf('01005e000005', IP4), PuntReason.Multicast],
  ['IPv6 multicast', frameOf('333300000005', '86dd6000000000003a40'), PuntReason.Multicast],
  ['IPv4 broadcast', frameOf('ffffffffffff', IP4), PuntReason.Broadcast],
])('%s', async (_, frame, reason) => {
  const bed = await new Bed().up();
  bed.server.sandbox.receive(2, packetOf(frame));
  expect(bed.server.punted).toMatchObject([{ port: 2, reason }]);
});

test.each([
  ['multicast', '01005e000005', PuntReason.Multicast],
  ['broadcast', 'ffffffffffff', PuntReason.Broadcast],
])('a flood of IPv4 %s starves neither IS-IS nor ARP', async (_, to, reason) => {
  const { policers } = parseConfig('ports: [{ index: 0, tap: tap0 }]', 'f.yaml').punt;
  const limits = puntLimits({ ...policers, multicast: 100, broadcast: 100 });
  const bed = await new Bed(new Server({ now: () => 0 }), { limits }).up();
  const { sandbox } = bed.server;
  for (let i = 0; i < 1000; i++) {
    sandbox.receive(0, packetOf(frameOf(to, IP4)));
    if (i % 10 === 0) for (const frame of [ISIS, ARP]) sandbox.receive(0, packetOf(frame));
  }
  const counted = [reason, PuntReason.Isis, PuntReason.Arp].map((one) => {
    const [info] = sandbox.nodeInfo([policerToken(one, 0)]);
    return [info!.packets, info!.drops];
  });
  expect(counted).toEqual([
    [100, 900],
    [100, 0],
    [100, 0],
  ]);
});
