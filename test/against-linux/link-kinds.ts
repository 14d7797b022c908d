/** Frames whose Ethernet headers are the question. */
import type { Kinds, Made } from './choice';
import type { FrameSpec } from './frame';

export const LINK_KINDS = {
  tags: [
    3,
    (choice) => ({
      packet: choice.either({}, (family) => choice.pick(choice.anywhere(family), choice.own(family))),
      tags: choice.pick<NonNullable<FrameSpec['tags']>>(
        [[0x8100, 0]],
        [[0x8100, 0xe000]],
        [[0x8100, 5]],
        [[0x88a8, 7]],
        [
          [0x8100, 0],
          [0x8100, 5],
        ],
        [[0x88a8, 0]],
      ),
    }),
  ],
  'group and foreign mac': [
    4,
    (choice) => ({
      packet: choice.either({}, (family) => choice.pick(choice.anywhere(family), choice.own(family))),
      dstMac: choice.pick(
        ...[
          'ff:ff:ff:ff:ff:ff',
          '01:00:5e:00:00:05',
          '33:33:00:00:00:01',
          '01:80:c2:00:00:00',
          '02:02:02:02:02:02',
          '00:00:00:00:00:00',
        ],
        ...choice.world.ports.map(({ mac }) => mac),
        ...choice.world.formerMacs,
      ),
    }),
  ],
  'source mac': [
    1,
    (choice) => ({
      packet: choice.either({}, (family) => choice.anywhere(family)),
      srcMac: choice.pick(
        'ff:ff:ff:ff:ff:ff',
        '01:00:5e:00:00:01',
        '00:00:00:00:00:00',
        choice.world.ports[choice.port]!.mac,
      ),
    }),
  ],
  ethertype: [
    1,
    (choice) =>
      choice.pick<Made>(
        { packet: choice.v4({}), etherType: 0x86dd },
        { packet: choice.v6({}), etherType: 0x0800 },
        { packet: choice.v4({}), etherType: 60 },
        { packet: { family: 'other', hex: '0001' } },
        { packet: { family: 'other', hex: '0100' }, etherType: 0x8847 },
      ),
  ],
} as const satisfies Kinds;
