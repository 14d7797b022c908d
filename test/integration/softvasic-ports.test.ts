/** What happens to a softvasic's ports while it runs, and what its clients and Linux see of that. */
import { sleep, waitFor } from '../../lab/wait';
import { PortStage } from './port-stage';

jest.setTimeout(60_000);

let stage: PortStage;
beforeEach(() => (stage = new PortStage()));
afterEach(() => stage.close());

test('a sandbox that is released and made again counts from nothing, whatever ports refused before', async () => {
  await stage.start();
  stage.route();
  expect(stage.pings(2)).toBe(2);
  // Larger than the port's MTU, and nobody looks at that where a frame is given to a port as it is: the kernel does.
  stage.aft('inject', 'out', 'ge1', 'src=10.71.0.2', 'dst=10.72.0.2', 'size=1800');
  await waitFor(async () => (await stage.info()).outputPorts[1]!.drops === 1, {
    timeoutMs: 5000,
    what: 'the frame to be refused',
  });
  await stage.sandbox('release');
  await stage.sandbox('alloc');
  await stage.sandbox('open');
  const { inputPorts, outputPorts } = await stage.info();
  expect(inputPorts.map(({ packets, drops }) => [packets, drops])).toEqual([
    [0, 0],
    [0, 0],
  ]);
  expect(outputPorts.slice(0, 2).map(({ packets, bytes, drops }) => [packets, bytes, drops])).toEqual([
    [0, 0, 0],
    [0, 0, 0],
  ]);
  expect(inputPorts.map(({ engine }) => [engine!.name, engine!.packets, engine!.slow])).toEqual([
    ['kernel', 0, []],
    ['kernel', 0, []],
  ]);
});

test.each(['kernel', 'engine'])(
  '--engine %s: an interface that went and came back with its index is isolated and attached again',
  async (engine) => {
    await stage.start(['--engine', engine]);
    stage.route();
    const told = stage.watch();
    await waitFor(() => told.length === 2, { timeoutMs: 5000, what: 'the ports to be told' });
    expect(stage.pings(2)).toBe(2);
    stage.signal('SIGSTOP');
    stage.away('ge1');
    stage.signal('SIGCONT');
    await waitFor(() => told.length === 4, { timeoutMs: 10_000, what: 'the port to be up again' });
    expect(told.slice(2)).toEqual([
      { index: 1, up: false },
      { index: 1, up: true },
    ]);
    expect(stage.log).toMatch(/interface ge1 went and came back/);
    expect(stage.pings(3)).toBe(3);
    expect(stage.filters('ge1')).toMatch(/bytecode '1,6 0 0 2'/);
    expect(stage.sysctl('ipv6/conf/ge1/disable_ipv6')).toBe('1');
  },
);

test('a TAP that somebody removes is made anew, without a word of its port being down', async () => {
  await stage.start(['--engine', 'kernel']);
  stage.route();
  const told = stage.watch();
  await waitFor(() => told.length === 2, { timeoutMs: 5000, what: 'the ports to be told' });
  const received = stage.pingsMeanwhile(300, 0.01);
  await sleep(500);
  stage.ip('vasic', 'link del softvasic0');
  // A hundred a second.
  expect(await received).toBeGreaterThan(280);
  expect(stage.log).toMatch(/port ge0: what the kernel leaves to the engine can't be had .*; attaching again/);
  expect(stage.ip('vasic', '-o link')).toContain('softvasic0');
  expect(told).toHaveLength(2);
});
