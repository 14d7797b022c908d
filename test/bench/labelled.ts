/**
 * What the data-plane bench has of labels: LSPs and routes behind labels, which come after the plain table's routes, and 64-byte frames
 * that each get, change or lose labels by them.
 */
import type { ZebraFrames } from '../../lab/zebra-frames';
import { fill4, FRAME_BYTES } from './flood-frames';
import { destinationsIn } from './prefixes';

/**
 * `swap`: one label for another. `push`: a route's packets get a label; `vpn`: two, as a VPN's do. `egress`: a VPN's label is taken off and the
 * packet looked up.
 */
export type LabelCase = 'swap' | 'push' | 'vpn' | 'egress';
export const LABEL_CASES: readonly LabelCase[] = ['swap', 'push', 'vpn', 'egress'];

/** Where the nexthop objects behind labels are, and the LSPs lead. */
export interface LabelledPlace {
  readonly gateways: readonly Uint8Array[];
  readonly ifindex: number;
  /** The loopback's: packets are looked up in the main table. */
  readonly loopback: number;
}

/** Routes of `push`, and of `vpn`. */
const ROUTES_EACH = 10;
const FIRST_ID = 20_000;
const FIRST_SWAPPED = 1000;
const FIRST_OUTGOING = 500_000;
const FIRST_PUSHED = 300_000;
const TRANSPORT_LABEL = 16;
const EGRESS_LABEL = 2000;
/** The first byte of these routes: outside of the made-up table. */
const FIRST_BYTES = { push: 130, vpn: 131 } as const;

/** How many routes and LSPs writeLabelled() writes. */
export const labelledCounts = (gateways: number): { readonly routes: number; readonly lsps: number } => ({
  routes: 2 * ROUTES_EACH,
  lsps: gateways + 1,
});

/** Adds the LSPs and the routes behind labels, to all gateways in turn. */
export function writeLabelled(frames: ZebraFrames, { gateways, ifindex, loopback }: LabelledPlace): void {
  gateways.forEach((gateway, i) => frames.lsp(FIRST_SWAPPED + i, [FIRST_OUTGOING + i], gateway, ifindex));
  frames.lspLookUp(EGRESS_LABEL, loopback);
  let id = FIRST_ID;
  for (const [kind, outer] of [
    ['push', []],
    ['vpn', [TRANSPORT_LABEL]],
  ] as const) {
    for (let i = 0; i < ROUTES_EACH; i++, id++) {
      frames.nexthop(id, gateways[i % gateways.length]!, ifindex, [...outer, FIRST_PUSHED + i]);
      frames.route(Uint8Array.of(FIRST_BYTES[kind], 0, i, 0), 24, id);
    }
  }
}

/**
 * Writes one frame of that case into each slot, no two of one flow. @param routes the plain table's
 * @param gateways as many as writeLabelled() had
 */
export function fillLabelled(
  slots: readonly Buffer[],
  kind: LabelCase,
  portMac: Uint8Array,
  { routes, gateways }: { readonly routes: number; readonly gateways: number },
): void {
  const destinations = destinationsIn(routes, slots.length);
  slots.forEach((slot, i) => {
    slot.fill(0, 0, FRAME_BYTES);
    switch (kind) {
      case 'swap':
        return fill4(slot, portMac, destinations[i]!, i, [FIRST_SWAPPED + (i % gateways)]);
      case 'egress':
        return fill4(slot, portMac, destinations[i]!, i, [EGRESS_LABEL]);
      default:
        return fill4(slot, portMac, FIRST_BYTES[kind] * 2 ** 24 + (i % ROUTES_EACH) * 256 + 1, i);
    }
  });
}
