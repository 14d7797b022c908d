/** Where a stream socket listens or leads, in one word of text: `HOST:PORT` or `unix:PATH`. */
export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string };

/** Reads `HOST:PORT` (an IPv4 address or a name) or `unix:PATH`; throws on anything else. */
export function parseEndpoint(text: string): Endpoint {
  if (text.startsWith('unix:') && text.length > 5) return { path: text.slice(5) };
  const found = /^([^:]+):(\d{1,5})$/.exec(text);
  if (found === null || Number(found[2]) > 65_535) {
    throw new Error(`not an endpoint: ${text}; write HOST:PORT or unix:PATH`);
  }
  return { host: found[1]!, port: Number(found[2]) };
}
