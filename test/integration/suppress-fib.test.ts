/** bgpd with `bgp suppress-fib-pending` tells a second peer only of what the vASIC has acknowledged. */
import { observeSuppression, REFUSED } from '../bench/figures/suppress';
import { buildHostsTopology } from '../../lab/hosts-topology';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';

const ID = labId('suppress');
jest.setTimeout(240_000);

let lab: Lab | undefined;

afterEach(async () => {
  await lab?.close();
  lab = undefined;
  await stopLab(ID);
});

test('a prefix is advertised after the acknowledgement, and not at all while it is refused', async () => {
  lab = await openLab(ID);
  const topology = await buildHostsTopology(lab, { bgp: true, refuse: [REFUSED] });
  const seen = await observeSuppression(topology);
  expect(seen.pending).toEqual({ selected: true, queued: true, advertised: false });
  expect(seen.refused).toEqual({ selected: true, failed: true, advertised: false });
  expect(seen.past).toEqual({ trapped: true, advertised: true });
});
