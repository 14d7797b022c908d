/** MPLS labels in the words of FRR's commands (`show mpls table`, `show ip route`). */

/** RFC 3032 and RFC 7274: what labels below 16 mean. */
const RESERVED_NAMES: Readonly<Record<number, string>> = {
  0: 'IPv4 Explicit Null',
  1: 'Router Alert',
  2: 'IPv6 Explicit Null',
  3: 'implicit-null',
  7: 'Entropy Label Indicator',
};

const FIRST_UNRESERVED = 16;
/** Labels have 20 bits. */
export const LAST_LABEL = 0xfffff;

/** One label: its number, or its name where it is a reserved one. */
export function labelText(label: number): string {
  return label < FIRST_UNRESERVED ? (RESERVED_NAMES[label] ?? `Reserved (${label})`) : String(label);
}

/** A label stack, outermost first: `16/17`, `IPv4 Explicit Null/17`. */
export function stackText(labels: readonly number[]): string {
  return labels.map(labelText).join('/');
}
