/** What a frame says of itself. */
import { frameFacts } from '../../../src/net/frame';
import { buildProbe, type Probe } from '../../../src/net/probe';
import { parseProbe, PROBE_WORDS } from '../../../src/net/probe-words';

const TO = Uint8Array.of(2, 0, 0, 0, 0, 9);
const FROM = Uint8Array.of(2, 0, 0, 0, 0, 8);
const probe = (words: Readonly<Record<string, string>>): Probe => parseProbe((name) => words[name] ?? null);

test.each([
  ['IPv4', { src: '10.0.0.1', dst: '10.0.0.2', ttl: '9' }, { ttl: 9 }],
  ['IPv6', { src: '2001:db8::1', dst: '2001:db8::2', ttl: '8' }, { ttl: 8 }],
  ['labels', { src: '10.0.0.1', dst: '10.0.0.2', ttl: '7', labels: '16/17' }, { ttl: 7, labels: [16, 17] }],
])('%s', (_, words, facts) => {
  const frame = buildProbe(probe(words), TO, FROM);
  expect(frameFacts(frame)).toEqual({ source: Buffer.from(FROM), destination: Buffer.from(TO), ...facts });
});

test('neither IP nor labels, labels without an end, and what is too short', () => {
  expect(frameFacts(Buffer.alloc(60))).not.toHaveProperty('ttl');
  const endless = Buffer.concat([TO, FROM, Buffer.from('8847000100400002', 'hex')]);
  expect(frameFacts(endless)).toMatchObject({ labels: [16], ttl: 0x40 });
  expect(frameFacts(Uint8Array.of(1, 2, 3)).destination).toEqual(Uint8Array.of(1, 2, 3));
});

test('every word of a packet is read, and what is wrong with one is said by its name', () => {
  const words = {
    ...{ src: '2001:db8::1', dst: '2001:db8::2', proto: 'tcp', sport: '1', dport: '2', ttl: '3' },
    ...{ flowlabel: '4', size: '500', labels: '16' },
  };
  expect(Object.keys(words)).toEqual([...PROBE_WORDS]);
  expect(probe(words)).toMatchObject({
    ...{ protocol: 'tcp', sourcePort: 1, destinationPort: 2, ttl: 3, flowLabel: 4, size: 500, labels: [16] },
  });
  expect(probe({ src: '10.0.0.1', dst: '10.0.0.2' })).toMatchObject({ protocol: 'udp', ttl: 64, size: 0 });
  for (const [wrong, message] of [
    [{ dst: '' }, 'dst:  is not an IPv4 or IPv6 address'],
    [{ src: '10.0.0.1' }, 'src and dst: one is IPv4 and the other IPv6'],
    [{ ttl: '256' }, 'ttl: 256 is not a whole number from 0 to 255'],
    [{ proto: 'sctp' }, 'proto: sctp is not one of udp, tcp, icmp'],
    [{ labels: '1048576' }, 'labels: 1048576 is not labels from 0 to 1048575'],
  ] as const) {
    expect(() => probe({ ...words, ...wrong })).toThrow(message);
  }
  expect(() => probe({ src: '10.0.0.1' })).toThrow('dst: missing');
});
