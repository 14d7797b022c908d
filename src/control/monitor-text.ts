/** One event of `fpm2afi monitor` as a line of text. Pure. */
import type { MonitorEvent } from './monitor-types';
import { pathText, tableText } from './show';
import type { PathView } from './types';

/** What is printed, without the line's end. */
export function monitorText(event: MonitorEvent): string {
  return `${event.time} ${textOf(event)}`;
}

function textOf(event: MonitorEvent): string {
  switch (event.kind) {
    case 'route': {
      const { prefix, protocol } = event.route;
      const name = `route ${prefix} table ${tableText(event.route)} ${protocol}`;
      if (event.change === 'gone') return `${name}: gone`;
      const { type, nexthops, state, reason } = event.route;
      return `${name}: ${state}${because(reason)}${type === 'unicast' ? paths(nexthops) : `, ${type}`}`;
    }
    case 'nexthop': {
      const { id, state, reason, legs, content } = event.nexthop;
      const name = id === undefined ? 'inline nexthop' : `nexthop ${id}`;
      if (event.change === 'gone') return `${name}: gone`;
      return `${name}: ${state}${because(reason)}${legs.length === 0 ? `, ${content}` : paths(legs)}`;
    }
    case 'neighbor': {
      const { address, interface: device, state, source, mac } = event.neighbor;
      const name = `neighbor ${address} ${device}`;
      return event.change === 'gone'
        ? `${name}: gone`
        : `${name}: ${state} (${source})${mac === undefined ? '' : `, ${mac}`}`;
    }
    case 'port': {
      const { index, tap, tapState, vasicState, mac, mtu } = event.port;
      return `port ${index} ${tap}: TAP ${tapState}, vASIC ${vasicState}, ${mac ?? '-'}, MTU ${mtu ?? '-'}`;
    }
    case 'session': {
      if (event.session === 'fpm') return `FPM: ${event.state}${event.peer === undefined ? '' : ` from ${event.peer}`}`;
      return `AFI ${event.server}: ${event.state}${because(event.error)}`;
    }
    case 'problem':
      return `${event.change === 'new' ? 'problem' : 'no problem any more'}: ${event.text}`;
    case 'skipped':
      return `${event.count} changes left out: they came faster than this reader takes them`;
  }
}

function because(reason: string | undefined): string {
  return reason === undefined ? '' : ` (${reason})`;
}

function paths(all: readonly PathView[]): string {
  return all.map((path) => `, ${pathText(path)}`).join('');
}
