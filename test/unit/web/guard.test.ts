/** Which requests the web view answers at all. */
import { refusalOf } from '../../../src/web/guard';

const request = (headers: Readonly<Record<string, string>>, method = 'GET'): Parameters<typeof refusalOf>[0] => ({
  method,
  headers,
});

test.each(['127.0.0.1:8642', '127.0.0.1', 'localhost:9000', 'LocalHost', '[::1]:8642', '127.1.2.3:1'])(
  'Host %s leads to this machine',
  (host) => expect(refusalOf(request({ host }), false)).toBeUndefined(),
);

test.each([
  ...['evil.example', 'evil.example:8642', '127.0.0.1.evil.example', 'localhost.evil.example', '127.evil.example'],
  ...[
    '10.0.0.1:8642',
    '[2001:db8::1]:8642',
    '::1',
    '',
    '127.0.0.1:8642/',
    'localhost:',
    '127.0.0.1:x',
    '[localhost]',
    'a b',
  ],
])('Host %j may lead elsewhere', (host) => {
  expect(refusalOf(request({ host }), false)).toMatchObject({
    status: 403,
    text: expect.stringContaining(host) as string,
  });
});

test('no Host at all', () => expect(refusalOf(request({}), false)?.status).toBe(403));

test('with other machines, any address, but no name beside localhost', () => {
  for (const host of ['10.0.0.1:8642', '[2001:db8::1]:8642', '127.0.0.1', 'localhost:1']) {
    expect(refusalOf(request({ host }), true)).toBeUndefined();
  }
  for (const host of ['router.example:8642', '10.0.0.1.evil.example', '[10.0.0.1]', '10.0.0:1']) {
    expect(refusalOf(request({ host }), true)?.status).toBe(403);
  }
});

test.each([
  ['same-origin', undefined],
  ['none', undefined],
  ['same-site', 403],
  ['cross-site', 403],
])('asked for by a page that is %s', (site, status) => {
  expect(refusalOf(request({ host: 'localhost', 'sec-fetch-site': site }), false)?.status).toBe(status);
});

test.each(['POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'CONNECT'])('%s is refused', (method) => {
  expect(refusalOf(request({ host: 'localhost' }, method), false)).toMatchObject({ status: 405 });
});
