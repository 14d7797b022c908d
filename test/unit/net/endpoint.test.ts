/** Endpoints as text, both ways. */
import { formatEndpoint, isLoopback, parseEndpoint, parseHostPort } from '../../../src/net/endpoint';

test.each([
  ['10.0.0.1:80', { host: '10.0.0.1', port: 80 }],
  ['[::1]:65535', { host: '::1', port: 65_535 }],
  ['vasic-1.example:0', { host: 'vasic-1.example', port: 0 }],
  ['unix:/run/a b', { path: '/run/a b' }],
])('%s', (text, endpoint) => {
  expect(parseEndpoint(text)).toEqual(endpoint);
  expect(formatEndpoint(endpoint)).toBe(text);
});

test.each([
  ...[
    '',
    'unix:',
    'unix:a',
    'unix:/a\0b',
    `unix:/${'x'.repeat(107)}`,
    'host',
    'host:70000',
    ':80',
    '::1:80',
    '[::1]',
    '[a]:1',
  ],
  ...['[127.0.0.1]:1', '1.2.3.256:1', 'a_b:1', 'a..b:1', '-a:1', 'a:1x', `${'x'.repeat(64)}:1`],
])('%j is none', (text) => {
  expect(parseEndpoint(text)).toBeUndefined();
});

test.each([
  ['127.0.0.1', true],
  ['127.255.255.254', true],
  ['::1', true],
  ...['128.0.0.1', '10.127.0.1', '::', '::2', '0.0.0.0', '127.evil.example', 'localhost', ''].map(
    (text): [string, boolean] => [text, false],
  ),
])('%j leads to this machine and nowhere else: %p', (address, is) => expect(isLoopback(address)).toBe(is));

test('a Unix socket is no host and port', () => {
  expect(parseHostPort('unix:/run/a')).toBeUndefined();
});
