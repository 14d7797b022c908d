/**
 * The baseline: an FPM listener that counts messages that add a route and does nothing else. `node sink.js PORT ROUTES` prints, for each
 * connection of zebra, `{"accepted":true}`, and when that many routes have come `{"ms": …, "at": …}`: milliseconds since accepting it, and the
 * machine's clock.
 */
import { createServer } from 'node:net';

const RTM_NEWROUTE = 24;

const port = Number(process.argv[2]);
const wanted = Number(process.argv[3]);

createServer((socket) => {
  const started = performance.now();
  console.log(JSON.stringify({ accepted: true }));
  let count = 0;
  let held: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    let at = 0;
    while (bytes.length - at >= 10) {
      const length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
      if (length > bytes.length - at) break;
      if (bytes[at + 8] === RTM_NEWROUTE) count++;
      at += length;
    }
    held = bytes.subarray(at);
    if (count < wanted) return;
    console.log(JSON.stringify({ ms: performance.now() - started, at: Date.now() }));
    count = -Infinity;
  });
  socket.on('error', () => undefined);
}).listen(port, '127.0.0.1');
