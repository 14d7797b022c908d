/** Control packets that are no IP reach the host through the graph that the bridge builds. */
import { packetOf } from '../../../src/vasic/memoryport';
import { Bed } from './bed';

const body = Buffer.alloc(100, 7);

test.each([
  ['IS-IS hello (802.3 with LLC, to AllL1ISs)', '0180c2000014', Buffer.from('0064fefe03', 'hex')],
  ['LLDP', '0180c200000e', Buffer.from('88cc', 'hex')],
  ['ARP request', 'ffffffffffff', Buffer.from('0806', 'hex')],
])('%s', async (_, to, typeAndRest) => {
  const bed = await new Bed().up();
  const frame = Buffer.concat([Buffer.from(to, 'hex'), Buffer.from('0200000000aa', 'hex'), typeAndRest, body]);
  bed.server.sandbox.receive(2, packetOf(frame));
  expect(bed.server.punted.map(({ port }) => port)).toEqual([2]);
});
