/**
 * Pings across both routers, and what has to be on each link for each of them: stacks, TTLs, and the same packet behind them. Said for
 * IPv4; IPv6 has the twins of its addresses and labels (plan.ts).
 */
import type { Pinger } from './observed';

export interface Crossing {
  readonly name: string;
  readonly from: Pinger;
  readonly source: string;
  readonly target: string;
  /** Port, direction and packet, in the order of travel: first those of the request, then those of the reply. */
  readonly request: readonly string[];
  readonly reply: readonly string[];
  /** TTL of the reply as the pinger sees it. */
  readonly ttl: number;
}

export const CROSSINGS: readonly Crossing[] = [
  {
    ...{ name: 'Linux is the other edge: VPN label', from: 'host0', source: '10.78.0.1', target: '10.77.1.1', ttl: 63 },
    request: ['p0 in IP 64', 'p1 out 300:63 IP 63'],
    reply: ['p1 in 400:64 IP 64', 'p0 out IP 63'],
  },
  {
    ...{ name: 'two labels; explicit null above the VPN label on the way back', from: 'host0' },
    ...{ source: '10.78.0.2', target: '10.77.1.2', ttl: 63 },
    request: ['p0 in IP 64', 'p1 out 302:63 300:63 IP 63'],
    reply: ['p1 in 0:64 400:64 IP 64', 'p0 out IP 63'],
  },
  {
    ...{
      name: 'explicit null alone on the way back',
      from: 'host0',
      source: '10.78.0.1',
      target: '10.77.2.1',
      ttl: 63,
    },
    request: ['p0 in IP 64', 'p1 out 303:63 IP 63'],
    reply: ['p1 in 0:64 IP 64', 'p0 out IP 63'],
  },
  {
    ...{ name: 'our router is the P: swap', from: 'machine', source: '10.77.5.1', target: '10.77.4.1', ttl: 62 },
    request: ['p1 in 500:64 IP 64', 'p4 out 600:63 IP 64'],
    reply: ['p4 in 501:64 IP 64', 'p1 out 601:63 IP 64'],
  },
  {
    ...{ name: 'our router is the P: penultimate hop', from: 'machine', source: '10.77.5.2', target: '10.77.4.2' },
    ...{ ttl: 63, request: ['p1 in 510:64 IP 64', 'p4 out IP 63'], reply: ['p4 in 511:64 IP 64', 'p1 out IP 63'] },
  },
  {
    ...{
      name: 'our router is the P: explicit null',
      from: 'machine',
      source: '10.77.5.3',
      target: '10.77.4.3',
      ttl: 62,
    },
    request: ['p1 in 520:64 IP 64', 'p4 out 0:63 IP 64'],
    reply: ['p4 in 521:64 IP 64', 'p1 out 0:63 IP 64'],
  },
  {
    ...{ name: 'Linux is the P: swap', from: 'host0', source: '10.78.0.3', target: '10.78.3.1', ttl: 61 },
    request: ['p0 in IP 64', 'p1 out 700:63 IP 63', 'p2 in 701:62 IP 63', 'p3 out IP 61'],
    reply: ['p3 in IP 64', 'p2 out 710:63 IP 63', 'p1 in 711:62 IP 63', 'p0 out IP 61'],
  },
  {
    ...{
      name: 'Linux is the P: penultimate hop, VPN label below',
      from: 'host0',
      source: '10.78.0.4',
      target: '10.78.3.2',
    },
    ttl: 62,
    request: ['p0 in IP 64', 'p1 out 720:63 721:63 IP 63', 'p2 in 721:63 IP 63', 'p3 out IP 62'],
    reply: ['p3 in IP 64', 'p2 out 730:63 731:63 IP 63', 'p1 in 731:63 IP 63', 'p0 out IP 62'],
  },
];
