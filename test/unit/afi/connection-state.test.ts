import { instanceOf, isOpen } from '../../../src/afi/connection-state';
import { Bed } from '../../bed/bed';

test('from the first connection to ready routes, by every state in between', async () => {
  const earlier = await new Bed().up();
  const bed = new Bed(earlier.server);
  const { programmer, server } = bed;
  expect(programmer.connection).toMatchObject({ kind: 'connecting' });
  expect([isOpen(programmer.connection), instanceOf(programmer.connection)]).toEqual([false, undefined]);

  const { instance } = server.sandbox.info();
  const up = programmer.up(server.sandbox.info());
  const { since } = programmer.connection;
  expect(programmer.connection.kind).toBe('adopting');
  expect(programmer.ready).toBe(false);
  await up;
  expect(programmer.connection).toEqual({ kind: 'placingGraph', since, instance });
  expect([isOpen(programmer.connection), programmer.ready]).toEqual([true, false]);
  bed.settle();
  expect(programmer.connection).toEqual({ kind: 'ready', since, instance });
  expect(programmer.ready).toBe(true);

  programmer.down('reset by peer');
  expect(programmer.connection).toMatchObject({ kind: 'down', reason: 'reset by peer', instance });
  expect(isOpen(programmer.connection)).toBe(false);
});

test('the server that we programmed is ready at once when it is back', async () => {
  const bed = await new Bed().up();
  bed.programmer.down('the connection broke');
  void bed.programmer.up(bed.server.sandbox.info());
  expect(bed.programmer.connection.kind).toBe('ready');
});

test('a refused graph is a state of its own, is tried again, and ends with the connection', async () => {
  const bed = new Bed();
  const { programmer, server } = bed;
  await programmer.up(server.sandbox.info());
  const { since } = programmer.connection;
  programmer.ack(bed.queue.splice(0)[0]!.id, { code: 'full', message: 'no room' });
  expect(programmer.connection).toEqual({
    kind: 'refused',
    reason: 'full: no room',
    since,
    instance: server.sandbox.info().instance,
  });
  expect(programmer.failure).toBe('full: no room');
  programmer.retry();
  expect(programmer.connection).toMatchObject({ kind: 'placingGraph', since });
  expect(programmer.failure).toBe('full: no room');
  bed.settle();
  expect(programmer.ready).toBe(true);
  expect(programmer.failure).toBeUndefined();
});

test('an empty server has nothing to adopt', () => {
  const bed = new Bed();
  void bed.programmer.up(bed.server.sandbox.info());
  expect(bed.programmer.connection.kind).toBe('placingGraph');
});

test('a connection that breaks during adoption leaves the next one to begin anew', async () => {
  const earlier = await new Bed().up();
  const bed = new Bed(earlier.server);
  const first = bed.programmer.up(bed.server.sandbox.info());
  expect(bed.programmer.connection.kind).toBe('adopting');
  bed.programmer.down('broke again');
  await first;
  expect(bed.programmer.connection).toMatchObject({ kind: 'down', reason: 'broke again' });
  await bed.up();
  expect(bed.programmer.ready).toBe(true);
});

test('what cannot be read is a state of its own; nothing is programmed, it is read again, and nothing is left behind', async () => {
  const earlier = await new Bed().via('198.51.100.0/24', '@1').via('203.0.113.0/24', '@1').up();
  const bed = new Bed(earlier.server);
  bed.readFails = 'UNIMPLEMENTED';
  await bed.programmer.up(bed.server.sandbox.info());
  bed.via('198.51.100.0/24', '@1').settle();
  expect(bed.programmer.connection).toMatchObject({ kind: 'unreadable', reason: 'UNIMPLEMENTED' });
  expect([isOpen(bed.programmer.connection), bed.programmer.ready, bed.sent.length]).toEqual([true, false, 0]);
  await bed.programmer.retryAdoption();
  expect(bed.programmer.connection.kind).toBe('unreadable');
  bed.readFails = undefined;
  await bed.programmer.retryAdoption();
  bed.settle();
  expect(bed.programmer.ready).toBe(true);
  expect(bed.fib.forwarding.adopted).toBeGreaterThan(0);
  expect(bed.entries().has('203.0.113.0/24')).toBe(true);
  bed.fib.forwarding.dropAdopted();
  bed.settle();
  expect(bed.entries().has('203.0.113.0/24')).toBe(false);
  expect(bed.entries().has('198.51.100.0/24')).toBe(true);
});

test('a sandbox that was closed is programmed anew, though its server is the same', async () => {
  const bed = await new Bed().via('198.51.100.0/24', '@1').up();
  const { instance } = bed.server.sandbox.info();
  bed.programmer.down('the sandbox was closed', 'lost');
  bed.server.empty();
  expect(bed.server.sandbox.info().instance).toBe(instance);
  await bed.up();
  expect(bed.programmer.ready).toBe(true);
  expect(bed.entries().has('198.51.100.0/24')).toBe(true);
});
