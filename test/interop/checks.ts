/**
 * What is observed once both routers have their labels: one look at the links for each packet that is under way.
 */
import type { Reporter } from '../../demo/scenes/report';
import { playCrossings } from './crossing-checks';
import { playFrames } from './frame-checks';
import { playLimits } from './limit-checks';
import { captureLinks } from './link-capture';
import type { Observed } from './observed';
import type { Stage } from './topology';

/** Plays all checks. */
export async function playChecks(stage: Stage, report: Reporter): Promise<void> {
  const links = await captureLinks(stage.vasic, (ifname) => /^p\d$/.test(ifname));
  const observed: Observed = { stage, report, links };
  report.scene('Both ways, IPv4 and IPv6: stacks and TTLs on every link');
  await playCrossings(observed);
  report.scene('What does not fit, and what runs out');
  await playLimits(observed);
  report.scene('Labelled frames from a host: traffic class, expiry, unknown labels');
  await playFrames(observed);
  await report.expect({
    name: 'the capture of the links lost nothing',
    command: 'make mpls-interop',
    look: async () => {
      const lost = await links.close();
      return { ok: lost === 0, observed: `${lost ?? 'an unknown number of'} packets lost` };
    },
  });
}
