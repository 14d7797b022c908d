/**
 * Why a route isn't forwarded by the vASIC, in plain words, and what to do about it. What is looked at comes in the order of
 * a route's way, so that the first thing that is wrong is told.
 */
import { DEFAULT_REMEDY } from '../afi/failure';
import type { AfiStatus } from '../control/status-types';
import type { Stop, WhyPath, WhyNeighbor } from '../control/explain-types';
import type { TrapReason } from '../fib/intents';
import { MALFORMED, VRF_TABLES } from '../fib/updates';
import type { LastKnown } from './known';
import { isGroupMac, parseMac } from '../net/address';

/** What the diagnosis goes by. */
export interface Symptoms {
  readonly state: 'offloaded' | 'trapped' | 'failed' | 'unresolved' | 'pending';
  /** The vASIC's reason for refusing. */
  readonly failure: string | undefined;
  readonly table: number;
  /** A port is bound to the table, or the configuration names it. */
  readonly isForwarded: boolean;
  readonly afi: AfiStatus['state'];
  readonly afiError: string | undefined;
  /** What to do about that, where it is known. */
  readonly afiRemedy?: string;
  readonly afiServer: string;
  /** Set while the vASIC can't be asked. */
  readonly known: LastKnown | undefined;
  readonly inFlight: number;
  /** Why its packets go to the host. */
  readonly trap: TrapReason | undefined;
  readonly detail: string | undefined;
  readonly legs: readonly WhyPath[];
  /** zebra's nexthop id. */
  readonly nexthopId: number | undefined;
  readonly kernelNeighbors: boolean;
}

function isIp6(path: WhyPath): boolean {
  return path.gateway?.includes(':') === true;
}

/** What became of resolving a path's neighbor. */
export function neighborText(path: WhyPath): string {
  const where = `${path.gateway!} on ${path.interface}`;
  const asked = (count: number): string => (count === 1 ? 'asked once' : `asked ${count} times`);
  const { neighbor } = path;
  const requests = neighbor?.asked === undefined || neighbor.asked === 0 ? '' : `, ${asked(neighbor.asked)}`;
  const group = groupMac(neighbor);
  if (group !== undefined) return `${where} has the MAC address of a group, ${group}: only Linux sends there`;
  switch (neighbor?.state) {
    case 'failed':
      return `no ${isIp6(path) ? 'ND' : 'ARP'} answer from ${where}${requests}`;
    case 'incomplete':
      return `${isIp6(path) ? 'ND' : 'ARP'} for ${where} is under way, no answer yet${requests}`;
    case 'noarp':
      return `${where} is in state noarp: the kernel has no hardware address for it`;
    default:
      return `the hardware address of ${where} isn't known${unaskedText(neighbor, requests)}`;
  }
}

/** The group's MAC address that a neighbor is said to have in place of one of its own. */
function groupMac(neighbor: WhyNeighbor | undefined): string | undefined {
  return neighbor?.told.map(({ mac }) => mac).find((mac) => mac !== undefined && isGroupMac(parseMac(mac)!));
}

function unaskedText(neighbor: WhyNeighbor | undefined, requests: string): string {
  if (neighbor?.asked === undefined) return ', and the kernel is not being asked for it';
  return neighbor.asked === 0 ? ', the kernel has not been asked yet' : `: the kernel was ${requests.slice(2)}`;
}

function neighborStop(path: WhyPath, kernelNeighbors: boolean): Stop {
  if (groupMac(path.neighbor) !== undefined) {
    const remedy =
      'nothing, where it is a cluster that wants each packet at all its members: Linux forwards. For a single host, ' +
      `"ip neigh replace ${path.gateway!} lladdr MAC dev ${path.interface}" with a MAC address of its own`;
    return { at: 'neighbor', why: neighborText(path), remedy };
  }
  const filter = isIp6(path) ? 'icmp6' : 'arp';
  const remedy =
    `is ${path.gateway!} up, and on the wire behind ${path.interface}? "tcpdump -eni ${path.interface} ${filter}" shows ` +
    'whether requests go out and answers come back; one that never answers can be given in neighbors.static';
  const off = 'neighbors.kernel is off: give the neighbor in neighbors.static, or switch it on';
  return { at: 'neighbor', why: neighborText(path), remedy: kernelNeighbors ? remedy : off };
}

/** The sentences for packets that go to the host because a rule says so. */
const RULES: Readonly<Partial<Record<TrapReason, string>>> = {
  glean: 'glean: a connected subnet. Linux resolves its neighbors; each one with a MAC address of its own has an entry',
  local: 'local: an address of the router itself',
  broadcast: 'broadcast: a broadcast address of the router',
  multicast: 'multicast goes to the host',
  linkLocal: 'link-local addresses go to the host',
  unreachable: 'zebra says unreachable: Linux answers with an ICMP error',
  prohibit: 'zebra says prohibit: Linux answers with an ICMP error',
};

function trapStop(symptoms: Symptoms, trap: TrapReason): Stop {
  const { legs, nexthopId, detail } = symptoms;
  const rule = RULES[trap];
  if (rule !== undefined) return { at: 'rule', why: rule };
  switch (trap) {
    case 'notAPort': {
      const given = legs.find((path) => path.givenTo !== undefined);
      if (given !== undefined) {
        const why = `it leaves by ${given.interface}, which Linux has given to ${given.givenTo!}: Linux forwards`;
        return { at: 'link', why, remedy: `for the vASIC to forward: ip link set ${given.interface} nomaster` };
      }
      const names = [...new Set(legs.map((path) => path.interface))].join(', ');
      const why = `it leaves by ${names}, which is no port of the vASIC: Linux forwards`;
      return { at: 'configuration', why, remedy: 'if it is meant to be a port, add its TAP to ports and restart' };
    }
    case 'otherTable':
      return tableStop(symptoms);
    case 'unsupported':
      if (detail === MALFORMED) {
        const remedy =
          'the log says what is wrong with it ("dropped a malformed message"); a recording of it is worth a report';
        return { at: 'zebra', why: detail, remedy };
      }
      return { at: 'rule', why: `nothing in the vASIC corresponds to it${detail === undefined ? '' : ` (${detail})`}` };
    case 'missingNexthop': {
      const why = `zebra named nexthop id ${nexthopId ?? '?'} and has not sent that`;
      const remedy =
        `in vtysh: "show nexthop-group rib"; "ip nexthop get id ${nexthopId ?? 'ID'}" shows one that is the kernel's, ` +
        'which is asked for it; "fpm address …", once more as it is, has zebra connect anew and send all again';
      return { at: 'zebra', why, remedy };
    }
    case 'linkDown': {
      const down = legs.filter((path) => !path.linkUp).map((path) => path.interface);
      const set = legs.find((path) => path.setDown === true);
      const remedy =
        set === undefined
          ? '"fpm2afi show ports": is the wire in, is the other end up?'
          : `${set.interface} is set down: ip link set ${set.interface} up`;
      return { at: 'link', why: `the link of ${[...new Set(down)].join(', ')} is down`, remedy };
    }
    default: {
      const waiting = legs.find((path) => path.state === 'unresolved');
      if (waiting !== undefined) return neighborStop(waiting, symptoms.kernelNeighbors);
      return { at: 'nexthop', why: 'none of its nexthops can be used' };
    }
  }
}

function tableStop({ table }: Symptoms): Stop {
  const why = `it is in table ${table}, which no port is bound to: Linux forwards`;
  const remedy =
    table < VRF_TABLES
      ? `put a port's TAP into the VRF of that table ("ip link set TAP master VRF"), or set "table: ${table}" at the port in ports`
      : 'use dplane_fpm_nl: the protobuf of the module fpm names VRFs by numbers that nothing gives the table of';
  return { at: 'configuration', why, remedy };
}

function pendingStop(symptoms: Symptoms): Stop {
  const { afi, afiError, afiRemedy = DEFAULT_REMEDY, afiServer, inFlight } = symptoms;
  if (afi === 'down' || afi === 'connecting') {
    const why = `no AFI server answers at ${afiServer}${afiError === undefined ? '' : `: ${afiError}`}; it is written when one does`;
    return { at: 'AFI connection', why, remedy: afiRemedy };
  }
  const why = `written, or waiting to be, and not acknowledged: ${inFlight} operations are in flight`;
  return { at: 'AFI connection', why, remedy: 'if that lasts, the AFI server is overloaded or hangs: see its log' };
}

function lostStop({ afiError, afiServer }: Symptoms, { since, why }: LastKnown): Stop {
  const reason = afiError === undefined ? '' : ` (${afiError})`;
  return {
    at: 'AFI connection',
    why: `the vASIC at ${afiServer} ${why} since ${since.toISOString()}${reason}: whether it still forwards isn't known`,
    remedy: 'is it running, and the way to it whole? "fpm2afi show status" tells what to do',
  };
}

/** Undefined: nothing stops it. */
export function diagnose(symptoms: Symptoms): Stop | undefined {
  const { state, failure, trap } = symptoms;
  if (!symptoms.isForwarded) return tableStop(symptoms);
  switch (state) {
    case 'offloaded':
      return symptoms.known === undefined ? undefined : lostStop(symptoms, symptoms.known);
    case 'failed': {
      const why = failure === undefined ? 'refused without a reason' : `it answered "${failure}"`;
      const remedy =
        'make room or correct what the vASIC complains of; it is tried again when entries go, and every minute';
      return { at: 'vASIC', why, remedy };
    }
    case 'pending':
      return pendingStop(symptoms);
    case 'trapped':
    case 'unresolved':
      return trapStop(symptoms, trap ?? 'unresolved');
  }
}
