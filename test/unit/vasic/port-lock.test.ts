/** The lock of a port's interface: one holder, who is named to others and keeps nobody's connection. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { lockPorts } from '../../../src/vasic/io/port-lock';

const NAME = `lock-${process.pid}`;

test('a second one is refused with the first; all or none', async () => {
  const locks = await lockPorts([NAME], 'softvasic (pid 7)');
  await expect(lockPorts([`${NAME}-b`, NAME], 'me')).rejects.toThrow(
    `port interface ${NAME} is in use by softvasic (pid 7): stop that one, or choose another interface`,
  );
  const second = await lockPorts([`${NAME}-b`], 'me');
  second.close();
  locks.close();
  (await lockPorts([NAME], 'next')).close();
});

test('whoever asks is answered, and may not stay', async () => {
  const locks = await lockPorts([NAME], 'softvasic (pid 7)');
  const asking = connect({ path: `\0softvasic/port/${NAME}`, allowHalfOpen: true });
  expect(await text(asking)).toBe('softvasic (pid 7)');
  // Its own side is still open: what it says then reaches nobody.
  await new Promise((resolve) => {
    asking.on('error', resolve).on('close', resolve);
    const timer = setInterval(() => (asking.destroyed ? clearInterval(timer) : asking.write('x')), 10);
  });
  locks.close();
});
