/** A limited log: the first lines of a kind, then how many there were. */
import { limitLog } from '../../../src/observe/limited-log';
import { nullLogger, type Logger } from '../../../src/observe/log';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

function bed(): { readonly log: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const at = (level: string) => (message: string, meta?: object) =>
    void lines.push(`${level} ${message}${meta === undefined ? '' : ` ${JSON.stringify(meta)}`}`);
  const target: Logger = {
    ...nullLogger,
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    child: (name) => ({ ...nullLogger, info: at(name) }),
  };
  return { log: limitLog(target, { lines: 3, windowMs: 10_000 }), lines };
}

test('a thousand lines of a kind are three, and one that counts the others with the last values', () => {
  const { log, lines } = bed();
  for (let i = 0; i < 1000; i++) log.warn('refused', { code: 'afi-route-refused', i });
  log.info('something else');
  expect(lines).toEqual([
    'warn refused {"code":"afi-route-refused","i":0}',
    'warn refused {"code":"afi-route-refused","i":1}',
    'warn refused {"code":"afi-route-refused","i":2}',
    'info something else',
  ]);
  jest.advanceTimersByTime(10_000);
  expect(lines.at(-1)).toBe(
    'warn refused (997 more lines like this one within 10 s, left out) {"code":"afi-route-refused","i":999}',
  );
  expect(lines).toHaveLength(5);
  log.warn('refused', { code: 'afi-route-refused', i: 'again' });
  expect(lines.at(-1)).toBe('warn refused {"code":"afi-route-refused","i":"again"}');
});

test('nothing is added where nothing was left out', () => {
  const { log, lines } = bed();
  for (let i = 0; i < 3; i++) log.error('broken', { code: 'stopped' });
  jest.advanceTimersByTime(60_000);
  expect(lines).toEqual(Array(3).fill('error broken {"code":"stopped"}'));
});

test('another text for each line is no way around it', () => {
  const { log, lines } = bed();
  for (let i = 0; i < 5000; i++) log.info(`peer ${i} says hello`);
  expect(lines.length).toBeLessThan(300);
  jest.advanceTimersByTime(10_000);
  const skipped = lines.map((line) => Number(/\((\d+) more lines/.exec(line)?.[1] ?? 0)).reduce((a, b) => a + b);
  const said = lines.filter((line) => !line.includes('more lines')).length;
  expect(said + skipped).toBe(5000);
});

test('lines of one code are of one kind, whatever their words; the last of them is shown', () => {
  const { log, lines } = bed();
  for (let i = 0; i < 10; i++) log.warn(`client ${i} refused`, { code: 'vasic-client-refused' });
  log.warn('client 3 is silent', { code: 'vasic-client-silent' });
  expect(lines).toHaveLength(4);
  jest.advanceTimersByTime(10_000);
  expect(lines.at(-1)).toBe(
    'warn client 9 refused (7 more lines like this one within 10 s, left out) {"code":"vasic-client-refused"}',
  );
});

test('a child has the name it asks for, and its own limit', () => {
  const { log, lines } = bed();
  for (let i = 0; i < 5; i++) log.info('x');
  for (let i = 0; i < 5; i++) log.child('fpm').info('x');
  expect(lines).toEqual(['info x', 'info x', 'info x', 'fpm x', 'fpm x', 'fpm x', 'fpm x', 'fpm x']);
});
