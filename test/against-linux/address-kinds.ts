/** Frames whose addresses are the question, and their TTL. */
import type { Choice, Family, Kinds, Maker } from './choice';
import type { Packet4, Packet6 } from './frame';
import { subnet4, subnet6 } from './plan';

const plain =
  (dst: (choice: Choice, family: Family) => string): Maker =>
  (choice) => ({ packet: choice.either({}, (family) => dst(choice, family)) });

const MARTIANS4 = [
  '0.0.0.0',
  '0.1.2.3',
  '127.0.0.1',
  '127.9.9.9',
  '240.1.2.3',
  '255.255.255.255',
  '224.0.0.5',
  '239.1.1.1',
];
const MARTIANS6 = ['::', '::1', 'ff02::1', '::ffff:10.1.0.2', 'fec0::1', 'fc00::1', 'ff05::2'];

export const ADDRESS_KINDS = {
  'host known': [6, plain((choice, family) => choice.host(family, choice.pick(2, 3)))],
  'host unknown': [2, plain((choice, family) => choice.host(family, choice.pick(4, 5, 77)))],
  routed: [9, plain((choice, family) => choice.routed(family))],
  'no route': [2, plain((_, family) => (family === 4 ? '192.0.2.7' : '2001:db8:dead::7'))],
  'own address': [
    4,
    (choice) => ({ packet: choice.either({ ttl: choice.pick(64, 1) }, (family) => choice.own(family)) }),
  ],
  'own address, echo': [
    3,
    (choice) => {
      const six = choice.random.below(2) === 1;
      return {
        packet: six
          ? choice.v6({ dst: choice.own(6), body: choice.echo(6), ttl: choice.pick(64, 1, 0) })
          : choice.v4({ dst: choice.own(4), body: choice.echo(4), ttl: choice.pick(64, 1, 0) }),
      };
    },
  ],
  'network and broadcast': [
    3,
    (choice) => ({
      packet: choice.v4({
        dst: choice.pick(`${subnet4(choice.net())}.0`, `${subnet4(choice.net())}.255`, '255.255.255.255', '10.1.1.127'),
        body: choice.pick(choice.body(), choice.echo(4)),
      }),
      ...(choice.random.below(2) === 0 ? { dstMac: 'ff:ff:ff:ff:ff:ff' } : {}),
    }),
  ],
  'subnet router anycast': [
    1,
    (choice) => ({
      packet: choice.v6({
        dst: choice.pick(`${subnet6(choice.net())}::`, '2001:db8:255::'),
        body: choice.pick(choice.echo(6), choice.body()),
      }),
    }),
  ],
  'martian destination': [
    2,
    (choice) => ({
      packet:
        choice.random.below(2) === 0
          ? choice.v4({ dst: choice.pick(...MARTIANS4) })
          : choice.v6({ dst: choice.pick(...MARTIANS6) }),
    }),
  ],
  'martian source': [
    4,
    (choice) => ({
      packet:
        choice.random.below(2) === 0
          ? choice.v4({
              src: choice.pick(
                ...MARTIANS4,
                choice.own(4),
                `${subnet4(choice.net())}.255`,
                `${subnet4(choice.net())}.0`,
              ),
              spread: false,
            })
          : choice.v6({ src: choice.pick(...MARTIANS6, choice.own(6), `${subnet6(choice.net())}::`), spread: false }),
    }),
  ],
  multicast: [
    2,
    (choice) => {
      if (choice.random.below(2) === 0) {
        const dst = choice.pick('224.0.0.1', '224.0.0.2', '224.0.0.5', '224.0.1.1', '239.1.2.3');
        return {
          packet: choice.v4({ dst, body: choice.pick(choice.echo(4), choice.body()) }),
          dstMac: `01:00:5e:00:00:0${dst.at(-1)!}`,
        };
      }
      const dst = choice.pick('ff02::1', 'ff02::2', 'ff02::5', 'ff05::2', 'ff0e::1');
      return {
        packet: choice.v6({ dst, body: choice.pick(choice.echo(6), choice.body()) }),
        dstMac: `33:33:00:00:00:0${dst.at(-1)!}`,
      };
    },
  ],
  'link-local': [
    3,
    (choice) =>
      choice.random.below(3) === 0
        ? {
            packet: choice.v4(
              choice.pick<Partial<Packet4>>({ dst: '169.254.1.1' }, { src: '169.254.1.1', spread: false }),
            ),
          }
        : {
            packet: choice.v6(
              choice.pick<Partial<Packet6>>(
                { dst: 'fe80::2' },
                { src: 'fe80::2', spread: false },
                { src: 'fe80::2', spread: false, dst: choice.own(6), body: choice.echo(6) },
                { dst: 'fe80::77' },
              ),
            ),
          },
  ],
  ttl: [
    5,
    (choice) => ({ packet: choice.either({ ttl: choice.pick(0, 1, 1, 2) }, (family) => choice.anywhere(family)) }),
  ],
  'ttl, host unknown': [
    1,
    (choice) => ({
      packet: choice.either({ ttl: choice.pick(0, 1, 2) }, (family) =>
        choice.pick(choice.host(family, 4), family === 4 ? '192.0.2.7' : '2001:db8:dead::7'),
      ),
    }),
  ],
} as const satisfies Kinds;
