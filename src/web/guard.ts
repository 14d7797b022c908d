/**
 * Which requests the web view answers at all. It listens where every web page that the operator has open can send requests to, so it takes
 * none that another site's page made, and none by a name that may have been made to lead here (DNS rebinding). Pure.
 */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { isLoopback } from '../net/endpoint';

/** Why a request isn't answered. */
export interface Refusal {
  readonly status: 403 | 405;
  readonly text: string;
}

/** Sent with every answer: nothing from elsewhere is loaded, nobody else may show or read what is here, and nothing is kept. */
export const GUARDED: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    ...["script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'"],
    ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

/** What is wrong with a request; undefined: nothing is. `remote`: it may come from elsewhere, by any address of this machine. */
export function refusalOf(
  { method, headers }: Pick<IncomingMessage, 'method' | 'headers'>,
  remote: boolean,
): Refusal | undefined {
  const site = headers['sec-fetch-site'];
  if (!isAllowedHost(headers.host, remote)) {
    const text = `the name ${JSON.stringify(headers.host ?? '')} isn't answered to: use the address that fpm2afi web printed`;
    return { status: 403, text };
  }
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return { status: 403, text: 'the page of another site asked for this: open the address by itself' };
  }
  return method === 'GET' ? undefined : { status: 405, text: `${String(method)}: only GET is served` };
}

/**
 * Addresses and `localhost` can't be made to lead elsewhere than they say. The port may be any, as a tunnel (`ssh -L`) has one of its own.
 */
function isAllowedHost(header: string | undefined, remote: boolean): boolean {
  const [, six, other] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]/]+))(?::\d{1,5})?$/i.exec(header ?? '') ?? [];
  const host = six ?? other;
  if (host === undefined) return false;
  if (host.toLowerCase() === 'localhost') return true;
  return remote ? isIP(host) === (six === undefined ? 4 : 6) : isLoopback(host);
}
