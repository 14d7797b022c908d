/**
 * Failover as packets see it: sends one IPv4 packet after the other into one vASIC port and watches them come out of another; has
 * the neighbor's MAC changed meanwhile and says how long it took until the first packet with the new MAC came out.
 * `node probe.js IN OUT PORT-MAC DESTINATION NETNS DEV GATEWAY MAC…`: one change per MAC, one JSON line for each.
 */
import { formatMac } from '../../src/net/address';
import { flowOf, openOn, PLAIN, receiveAll, startIp, runProbe, udpFrame, until } from './packets';
import { sleep } from '../../lab/wait';

const [input = '', output = '', portMac = '', destination = '', netns = '', dev = '', gateway = '', ...macs] =
  process.argv.slice(2);
const SOURCE_PORT = 5000;
const PAUSE_MS = 300;

const into = openOn(input);
const from = openOn(output);
const packet = udpFrame(portMac, destination, SOURCE_PORT);
let seen = '';

function look(): void {
  receiveAll(from, (frame) => {
    if (flowOf(frame, packet) === SOURCE_PORT) seen = formatMac(frame.buffer.subarray(frame.offset, frame.offset + 6));
  });
}

/** Sends and looks, every millisecond. */
function loop(): void {
  look();
  into.send(packet, 0, packet.length, PLAIN);
  into.flush();
  setTimeout(loop, 1);
}

runProbe(async () => {
  const ip = startIp('-n', netns);
  loop();
  await until(
    () => seen !== '',
    look,
    () => 'a packet to come through',
  );
  for (const mac of macs) {
    await sleep(PAUSE_MS);
    const started = performance.now();
    ip(`neigh replace ${gateway} lladdr ${mac} dev ${dev} nud permanent`);
    const changed = await until(
      () => seen === mac,
      look,
      () => `packets with ${mac}; the last had ${seen}`,
    );
    console.log(JSON.stringify({ ms: changed - started }));
  }
});
