import { closeAll, type Closer } from '../../../src/bridge/closers';
import { fakeLog } from './fake-log';

test('a part that cannot be stopped keeps none of the others from being stopped, and is told at the end', async () => {
  const calls: string[] = [];
  const { log, lines } = fakeLog();
  const closers: Closer[] = [
    () => void calls.push('first'),
    () => Promise.reject(new Error('stuck')),
    () => {
      throw new Error('broken');
    },
    async () => {
      await Promise.resolve();
      calls.push('last');
    },
  ];
  await expect(closeAll(closers, log)).rejects.toThrow('broken');
  expect(calls).toEqual(['last', 'first']);
  expect(lines.map(([, more]) => more)).toEqual(['broken', 'stuck'].map((reason) => ({ code: 'stop-failed', reason })));
  await closeAll(closers, log);
  expect(calls).toHaveLength(2);
});
