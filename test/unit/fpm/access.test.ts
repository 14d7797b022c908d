/** Who may be zebra: by user on this machine, by address elsewhere. */
import { Access, type AccessOptions, type Ends } from '../../../src/fpm/access';
import { parsePrefix } from '../../../src/net/address';
import { SysError } from '../../../src/sys/libc';

type Allow = ReturnType<AccessOptions['allow']>;

const PASSWD = 'root:x:0:0:root:/root:/bin/sh\nfrr:x:994:994::/:/x\nquagga:x:92:92::/:/x\nnobody:x:65534:65534::/:/x\n';

function access(owner: number | 'gone' | Error, more: Partial<AccessOptions> = {}): Access {
  return new Access({
    allow: () => ({ users: [], addresses: [] }),
    ownerOf: () => {
      if (owner instanceof Error) throw owner;
      return owner === 'gone' ? 'gone' : { uid: owner };
    },
    passwd: () => PASSWD,
    ownUid: 61_000,
    ownAddresses: () => ['127.0.0.1', '::1', '10.0.0.1'],
    ...more,
  });
}

const from = (address: string, to = '127.0.0.1'): Ends => ({
  remote: { address, port: 40_000 },
  local: { address: to, port: 2620 },
});
const loopback = from('127.0.0.1');

test.each([
  ['root', 0],
  ['frr', 994],
  ['the bridge itself', 61_000],
])('%s may', (_name, uid) => {
  expect(access(uid).check(loopback)).toEqual({ allowed: true, local: true });
});

test('others may not, and are told how they would; users that the configuration names may', () => {
  expect(access(65_534).check(loopback)).toEqual({
    allowed: false,
    why: 'it is of user nobody (65534)',
    remedy: 'if zebra runs as that: fpm.allow.users: [nobody], and "fpm2afi reload"',
  });
  expect(access(1234).check(loopback)).toMatchObject({ allowed: false, why: 'it is of user 1234' });
  const allow = (): Allow => ({ users: ['quagga', 1234, 'unknown'], addresses: [] });
  expect(access(92, { allow }).check(loopback).allowed).toBe(true);
  expect(access(1234, { allow }).check(loopback).allowed).toBe(true);
  expect(access(65_534, { allow }).check(loopback).allowed).toBe(false);
});

test('who may is asked anew for each connection: a reload changes it', () => {
  let users: string[] = [];
  const one = access(92, { allow: () => ({ users, addresses: [] }) });
  expect(one.check(loopback).allowed).toBe(false);
  users = ['quagga'];
  expect(one.check(loopback).allowed).toBe(true);
});

test('a closed connection, which would look like root, may not', () => {
  expect(access('gone').check(loopback)).toMatchObject({
    allowed: false,
    why: 'it was closed before it was seen whose it is',
  });
});

test('a kernel that can not be asked lets nobody in, and an unreadable passwd only numbers', () => {
  expect(access(new SysError('socket', 97)).check(loopback)).toMatchObject({
    allowed: false,
    why: "the kernel can't be asked whose connection it is: socket: EAFNOSUPPORT",
  });
  const passwd = (): string => {
    throw new Error('EACCES');
  };
  expect(access(994, { passwd }).check(loopback)).toMatchObject({ allowed: false, why: 'it is of user 994' });
  expect(access(994, { passwd, allow: () => ({ users: [994], addresses: [] }) }).check(loopback).allowed).toBe(true);
});

test.each(['127.9.9.9', '::1', '10.0.0.1'])('%s is this machine: the user counts, not the address', (address) => {
  const allow = (): Allow => ({ users: [], addresses: [parsePrefix('0.0.0.0/0')!, parsePrefix('::/0')!] });
  expect(access(65_534, { allow }).check(from(address)).allowed).toBe(false);
  expect(access('gone', { allow }).check(from(address)).allowed).toBe(false);
});

test('elsewhere the address counts', () => {
  const allow = (): Allow => ({ users: [], addresses: [parsePrefix('10.0.0.0/24')!, parsePrefix('fe80::/64')!] });
  const yes = { allowed: true, local: false };
  expect(access('gone', { allow }).check(from('10.0.0.2', '10.0.0.1'))).toEqual(yes);
  expect(access('gone', { allow }).check(from('fe80::2%eth0', 'fe80::1%eth0'))).toEqual(yes);
  expect(access('gone', { allow }).check(from('10.0.1.2', '10.0.0.1'))).toEqual({
    allowed: false,
    why: 'it is from another machine, of an address that is not allowed',
    remedy: 'if zebra runs there: fpm.allow.addresses: ["10.0.1.2"], and "fpm2afi reload"',
  });
  expect(access(0).check(from('10.0.0.2', '10.0.0.1')).allowed).toBe(false);
});

test('whether the other end is still held', () => {
  expect(access(0).isHeld(loopback)).toBe(true);
  expect(access('gone').isHeld(loopback)).toBe(false);
  expect(access(new SysError('socket', 97)).isHeld(loopback)).toBe(true);
});
