/** Views as text for people (a line a message, and indented details), and as JSON (an object a line). */
import type { AttributeView, HopView } from './attributes';
import { ARROWS, type Totals, type View } from './inspector';
import type { MessageView, Verdict, WayView } from './message';
import type { ProtobufView } from './protobuf';
import type { Direction } from './stream';

/** `2026-11-22T17:40:26.123456Z` */
export function isoTime(micros: number): string {
  const millis = Math.floor(micros / 1000);
  const valid = Math.abs(millis) <= 8.64e15;
  const rest = String(Math.floor(micros - millis * 1000)).padStart(3, '0');
  return valid ? new Date(millis).toISOString().replace('Z', `${rest}Z`) : '?';
}

/** Lines of text for a view; `details` also those under the first. */
export function textOf(view: View, details: boolean): string {
  const time = (micros: number | undefined): string => (micros === undefined ? '' : `${isoTime(micros)} `);
  if (view.kind === 'event') return `${time(view.time)}-- ${view.text}\n`;
  const { place } = view;
  const start = `${time(place.time)}#${place.connection} ${ARROWS[place.direction]}`;
  switch (view.kind) {
    case 'malformed':
      return `${start} ${hex(view.offset)} MALFORMED ${view.reason} (${view.length} bytes)\n    ${view.hex}\n`;
    case 'protobuf': {
      const lines = [`${start} ${hex(view.frame.offset)} protobuf ${protobufLine(view.view)}`];
      if (details) {
        lines.push(`    frame ${view.frame.offset}+${view.frame.length}, protobuf${understood(view.view.decoder)}`);
        lines.push(...fieldLines(view.view.fields ?? {}, '    '));
      }
      lines.push(...faultLines(view.view));
      return `${lines.join('\n')}\n`;
    }
    case 'netlink': {
      const lines = [`${start} ${hex(view.frame.offset)} ${messageLine(view.view)}`];
      if (details) {
        const { offset, length, seq, pid, decoder } = view.view;
        const where = `frame ${view.frame.offset}+${view.frame.length}, message ${offset}+${length}, seq ${seq}, pid ${pid}`;
        lines.push(`    ${where}${understood(decoder)}`, ...attributeLines(view.view.attributes, '    '));
      }
      lines.push(...faultLines(view.view));
      return `${lines.join('\n')}\n`;
    }
  }
}

const hex = (offset: number): string => `0x${offset.toString(16).padStart(6, '0')}`;

function understood({ updates, skipped }: Verdict): string {
  if (skipped !== undefined) return `; skipped: ${skipped}`;
  return updates === undefined ? '' : `; understood as ${updates.join(' ') || 'nothing'}`;
}

function faultLines({ decoder, fault, hex: bytes }: Pick<MessageView, 'decoder' | 'fault' | 'hex'>): string[] {
  return [
    ...(bytes === undefined ? [] : [`    bytes ${bytes}`]),
    ...(fault === undefined ? [] : [`    !! ${fault}`]),
    ...(decoder.malformed === undefined
      ? []
      : [`    !! malformed at ${hex(decoder.offset ?? 0)}: ${decoder.malformed}: ${decoder.hex ?? ''}`]),
  ];
}

function messageLine(view: MessageView): string {
  const { ways = [], decoder } = view;
  const words = [
    `${view.message}${view.flags.length === 0 ? '' : ` [${view.flags.join(' ')}]`}`,
    ...(view.prefix === undefined ? [] : [view.prefix]),
    ...(view.label === undefined ? [] : [`label ${view.label}`]),
    ...(view.neighbor === undefined ? [] : [view.neighbor]),
    ...(view.mac === undefined ? [] : [`mac ${view.mac}`]),
    ...(view.ifindex === undefined ? [] : [`interface ${view.ifindex}`]),
    ...(view.table === undefined ? [] : [`table ${view.table}`]),
    ...(view.protocol === undefined ? [] : [view.protocol]),
    ...(view.routeType === undefined || view.routeType === 'unspec' ? [] : [view.routeType]),
    ...(view.nexthopId === undefined ? [] : [`nexthop ${view.nexthopId}`]),
    ...(view.group === undefined ? [] : [`group ${view.group}`]),
    ...(ways.length === 0 ? [] : [ways.map(wayText).join(' | ')]),
    ...(view.state === undefined ? [] : [view.state.join(' ')]),
    ...(view.routeFlags === undefined || view.routeFlags.length === 0 ? [] : [`(${view.routeFlags.join(' ')})`]),
    ...(view.status === undefined ? [] : [`STATUS ${view.status}`]),
  ];
  return `${words.join(' ')}${verdictMark(decoder)}`;
}

function verdictMark({ skipped, malformed }: Verdict): string {
  return malformed !== undefined ? ' MALFORMED' : skipped !== undefined ? ` (not used: ${skipped})` : '';
}

function wayText({ gateway, ifindex, weight, encap }: WayView): string {
  const words = [
    ...(gateway === undefined ? [] : [`via ${gateway}`]),
    ...(ifindex === undefined ? [] : [`interface ${ifindex}`]),
    ...(weight === undefined ? [] : [`weight ${weight}`]),
    ...(encap === undefined ? [] : [`encap ${encap}`]),
  ];
  return words.join(' ');
}

function protobufLine(view: ProtobufView): string {
  return `${view.message}${view.prefix === undefined ? '' : ` ${view.prefix}`}${verdictMark(view.decoder)}`;
}

function attributeLines(attributes: readonly AttributeView[], indent: string): string[] {
  return attributes.flatMap(({ type, name, value, hex: bytes, inside, hops, fault }) => [
    `${indent}${name}(${type})${value === undefined ? '' : ` ${value}`}${bytes === undefined ? '' : ` hex ${bytes || '(empty)'}`}`,
    ...attributeLines(inside ?? [], `${indent}  `),
    ...(hops ?? []).flatMap((hop) => hopLines(hop, `${indent}  `)),
    ...(fault === undefined ? [] : [`${indent}  !! ${fault}`]),
  ]);
}

function hopLines({ ifindex, hops, flags, attributes, fault }: HopView, indent: string): string[] {
  const marks = flags.length === 0 ? '' : ` (${flags.join(' ')})`;
  return [
    `${indent}hop interface ${ifindex} hops ${hops}${marks}`,
    ...attributeLines(attributes, `${indent}  `),
    ...(fault === undefined ? [] : [`${indent}  !! ${fault}`]),
  ];
}

/** A protobuf message's fields, a line each; what is nested in one, indented. */
function fieldLines(value: object, indent: string): string[] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    typeof inner === 'object' && inner !== null
      ? [`${indent}${key}`, ...fieldLines(inner, `${indent}  `)]
      : [`${indent}${key} ${String(inner)}`],
  );
}

/** One line of JSON for a view. */
export function jsonOf(view: View): string {
  if (view.kind === 'event') {
    const { time, ...event } = view;
    return `${JSON.stringify({ ...(time !== undefined && { time: isoTime(time) }), ...event })}\n`;
  }
  const { kind, place, ...rest } = view;
  const { time, connection, direction } = place;
  const flat = 'view' in rest ? { frame: rest.frame, ...rest.view } : rest;
  return `${JSON.stringify({ ...(time !== undefined && { time: isoTime(time) }), kind, connection, direction, ...flat })}\n`;
}

/** The counts that end the output. */
export function totalsText(totals: Totals): string {
  const counts = (['fromZebra', 'toZebra'] as const).flatMap((direction: Direction) => {
    const all = Array.from(totals.messages[direction]).sort(([a], [b]) => (a < b ? -1 : 1));
    return all.length === 0 ? [] : [`${ARROWS[direction]}: ${all.map(([name, n]) => `${n} ${name}`).join(', ')}\n`];
  });
  const { connections, frames, updates, skipped, malformed, faults } = totals;
  const parts = faults === 0 ? '' : `, ${faults} notes on missing or unreadable parts`;
  return `${connections} connections, ${frames} frames, ${updates} updates, ${skipped} not used, ${malformed} malformed${parts}\n${counts.join('')}`;
}
