/** What happens to a softvasic's ports while it runs, and what its clients and Linux see of that. */
import { waitFor } from '../../lab/wait';
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
