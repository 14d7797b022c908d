/**
 * Joins what the kernel says of its routes and nexthop objects (src/kernel/route-watch.ts) with what zebra has from it
 * (src/fib/kernel-routes.ts). A nexthop object is read by FPM's decoder: the format is the same. One that can't be read is
 * counted by the watch.
 */
import type { KernelRoutes } from '../fib/kernel-routes';
import { decodeNexthop } from '../fpm/netlink/nexthop';
import { startRouteWatch, type RouteWatch } from '../kernel/route-watch';
import type { Logger } from '../observe/log';

export interface KernelRoutesParts {
  readonly routes: KernelRoutes;
  /** Asks for another turn: the FIB has changed. */
  readonly soon: () => void;
  readonly log: Logger;
}

/** Starts watching. @throws SysError when the kernel can't be watched */
export function watchKernelRoutes({ routes, soon, log }: KernelRoutesParts): RouteWatch {
  const watch = startRouteWatch(
    {
      suspects: routes,
      removed: soon,
      nexthop(...message) {
        watch.askNexthops(routes.applyNexthop(decodeNexthop(...message)));
        soon();
      },
    },
    log,
  );
  return watch;
}
