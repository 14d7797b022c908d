/** What happens to a softvasic's ports while it runs, and what its clients and Linux see of that. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sleep, waitFor } from '../../lab/wait';
import { STATE_DIR } from '../../src/vasic/io/isolation-memory';
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
    await stage.logged(/interface ge1 went and came back/);
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
  await stage.logged(/port ge0: what the kernel leaves to the engine can't be had .*; attaching again/);
  expect(stage.ip('vasic', '-o link')).toContain('softvasic0');
  expect(told).toHaveLength(2);
});

describe('--port-mode', () => {
  const both = (mode: string): string[] => ['ge0', 'ge1'].flatMap((name) => ['--port-mode', `${name}=${mode}`]);
  const warnings = (): string[] => stage.log.split('\n').filter((line) => line.includes('vasic-port-loses'));

  test('xdp on veths is warned of, once for each port, with what is lost and the remedy', async () => {
    await stage.start(both('xdp'));
    stage.ip('vasic', 'link del ge1');
    stage.wire('ge1');
    await waitFor(() => stage.log.match(/port ge1 is attached/g)?.length === 2, {
      timeoutMs: 10_000,
      what: 'ge1 to be attached again',
    });
    expect(warnings()).toHaveLength(2);
    for (const [i, name] of ['ge0', 'ge1'].entries()) {
      expect(warnings()[i]).toMatch(
        new RegExp(`port ${name}: .*ethtool -K DEV gro on.*wrong one\\. Both are right with --port-mode ${name}=tc`),
      );
    }
  });

  test.each(['tc', 'xdp-generic'])(
    '%s is not, and a checksum left to the interface is right at the receiver',
    async (mode) => {
      await stage.start(both(mode));
      stage.route();
      expect(stage.pings(1)).toBe(1);
      expect(await stage.udp('hello')).toBe('hello');
      expect(warnings()).toEqual([]);
    },
  );
});

describe('isolation', () => {
  const SYSCTLS = ['ipv6/disable_ipv6', 'ipv4/arp_ignore', 'ipv4/forwarding'];
  const ISOLATED = ['1', '8', '0'];
  const BEFORE = ['0', '2', '1'];
  const settings = (name: string): string[] =>
    SYSCTLS.map((sysctl) => stage.sysctl(sysctl.replace('/', `/conf/${name}/`)));
  const isIsolated = (name: string): boolean =>
    settings(name).join() === ISOLATED.join() && /bytecode '1,6 0 0 2'/.test(stage.filters(name));
  const isBack = (name: string): boolean => settings(name).join() === BEFORE.join() && stage.filters(name) === '';
  const until = (is: (name: string) => boolean, name: string): Promise<unknown> =>
    waitFor(() => is(name), { timeoutMs: 10_000, what: `${name} to be as it should` });
  const files = (): string[] =>
    existsSync(STATE_DIR) ? readdirSync(STATE_DIR).filter((name) => name.includes(`-${stage.netnsNumber}-`)) : [];

  beforeEach(() => {
    for (const name of ['ge0', 'ge1']) {
      const paths = SYSCTLS.map((sysctl) => `/proc/sys/net/${sysctl.replace('/', `/conf/${name}/`)}`);
      stage.run('vasic', 'sh', '-c', paths.map((path, i) => `echo ${BEFORE[i]} > ${path}`).join('; '));
    }
  });
  afterEach(() => files().forEach((name) => rmSync(join(STATE_DIR, name))));

  test('an interface that is renamed is no port, and Linux has it back; under its old name it is isolated again', async () => {
    await stage.start();
    expect(isIsolated('ge1')).toBe(true);
    stage.ip('vasic', 'link set ge1 name old1');
    await until(isBack, 'old1');
    await stage.logged(/interface old1 is no port any more/);
    stage.ip('vasic', 'link set old1 name ge1');
    await until(isIsolated, 'ge1');
    stage.route();
    await waitFor(() => stage.pings(1) === 1, { timeoutMs: 10_000, what: 'packets by the port' });
    expect(await stage.stop()).toBe(0);
    expect([isBack('ge0'), isBack('ge1'), files()]).toEqual([true, true, []]);
  });

  test('renamed where nobody looked any more, it is given back by the end; after a kill, by the next one on it', async () => {
    await stage.start();
    stage.signal('SIGSTOP');
    stage.ip('vasic', 'link set ge1 name old1');
    void stage.stop();
    stage.signal('SIGCONT');
    expect(await stage.stop()).toBe(0);
    expect([isBack('ge0'), isBack('old1'), files()]).toEqual([true, true, []]);

    await stage.start([], ['ge0', 'old1']);
    await stage.stop('SIGKILL');
    stage.ip('vasic', 'link set old1 name ge1');
    expect(isIsolated('ge1')).toBe(true);
    await stage.start();
    expect(await stage.stop()).toBe(0);
    expect([isBack('ge0'), isBack('ge1'), files()]).toEqual([true, true, []]);
  });

  test('ended while it starts it gives back what it has', async () => {
    await stage.begin('the kernel forwards what it can');
    expect(await stage.stop()).toBe(0);
    expect([isBack('ge0'), isBack('ge1'), files()]).toEqual([true, true, []]);
  });

  test('two ports whose names are changed for each other stay isolated, and are given back', async () => {
    await stage.start();
    stage.signal('SIGSTOP');
    for (const [from, to] of ['ge0 tmp0', 'ge1 ge0', 'tmp0 ge1'].map((names) => names.split(' ')))
      stage.ip('vasic', `link set ${from} name ${to}`);
    stage.signal('SIGCONT');
    const attached = (): number => stage.log.match(/port ge\d is attached/g)?.length ?? 0;
    await waitFor(() => attached() === 4, { timeoutMs: 10_000, what: 'both to be attached again' });
    expect([isIsolated('ge0'), isIsolated('ge1')]).toEqual([true, true]);
    expect(await stage.stop()).toBe(0);
    expect([isBack('ge0'), isBack('ge1'), files()]).toEqual([true, true, []]);
  });

  test('nothing stays in files of interfaces that are deleted', async () => {
    await stage.start();
    for (let i = 0; i < 2; i++) {
      stage.ip('vasic', 'link del ge1');
      stage.wire('ge1');
      await waitFor(() => isIsolated('ge1'), { timeoutMs: 10_000, what: 'the new interface to be isolated' });
    }
    expect(files()).toHaveLength(2);
    await stage.stop('SIGKILL');
    stage.ip('vasic', 'link del ge1');
    stage.wire('ge1');
    await stage.start();
    expect(files()).toHaveLength(2);
    expect(await stage.stop()).toBe(0);
    expect(files()).toEqual([]);
  });
});
