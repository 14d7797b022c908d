/**
 * A group loses a path, as packets see it: sends flows to a destination over two paths into one vASIC port and watches them come out of the
 * paths' ports; takes the link of the first path down and says how long it took until all its flows came out of the second. Then the
 * link comes up, and once flows are back on it, it goes down again.
 * `node path-probe.js IN PATH OTHER-PATH PORT-MAC DESTINATION ROUNDS`: one JSON line per link down.
 */
import type { PacketSocket } from '../../src/sys/packet';
import { flowOf, openOn, PLAIN, receiveAll, runProbe, startIp, udpFrame, until } from './packets';
import { sleep } from '../../lab/wait';

const [input = '', path = '', other = '', portMac = '', destination = '', rounds = ''] = process.argv.slice(2);
const FLOWS = 8;
const FIRST_PORT = 5000;
/** For flows to settle on their paths. */
const PAUSE_MS = 500;

const into = openOn(input);
const outputs = [openOn(path), openOn(other)] as const;
const packets = Array.from({ length: FLOWS }, (_, i) => udpFrame(portMac, destination, FIRST_PORT + i));
/** The output that each flow's last packet came out of. */
const lastSeen = new Int8Array(FLOWS).fill(-1);

function look(): void {
  outputs.forEach((socket: PacketSocket, output) => {
    receiveAll(socket, (frame) => {
      const flow = flowOf(frame, packets[0]!);
      if (flow !== undefined && flow >= FIRST_PORT && flow < FIRST_PORT + FLOWS) lastSeen[flow - FIRST_PORT] = output;
    });
  });
}

/** Sends and looks, every millisecond. */
function loop(): void {
  look();
  for (const packet of packets) into.send(packet, 0, packet.length, PLAIN);
  into.flush();
  setTimeout(loop, 1);
}

const onPath = (): number[] => [...lastSeen.keys()].filter((flow) => lastSeen[flow] === 0);

runProbe(async () => {
  const ip = startIp();
  loop();
  for (let round = 0; round < Number(rounds); round++) {
    const spread = (): boolean => !lastSeen.includes(-1) && onPath().length > 0 && onPath().length < FLOWS;
    await until(spread, look, () => `flows on both paths; they are on ${lastSeen.join(' ')}`);
    await sleep(PAUSE_MS);
    const flows = onPath();
    const moved = (flow: number): boolean => lastSeen[flow] === 1;
    const started = performance.now();
    ip(`link set ${path} down`);
    const what = (): string => `all flows to leave ${path}; they are on ${lastSeen.join(' ')}`;
    const all = await until(() => flows.every(moved), look, what);
    console.log(JSON.stringify({ ms: all - started, flows: flows.length }));
    ip(`link set ${path} up`);
  }
});
