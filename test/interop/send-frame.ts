/** Sends one frame out of an interface of this network namespace, as it is: IFNAME and the frame's bytes in hex. */
import { interfaceState } from '../../src/sys/interface';
import { PacketSocket } from '../../src/sys/packet';

const [ifname = '', hex = ''] = process.argv.slice(2);
const found = interfaceState(ifname);
if (found === undefined) throw new Error(`no interface ${ifname}`);
const socket = PacketSocket.open(found.ifindex, 0, false);
const frame = Buffer.from(hex, 'hex');
socket.send(frame, 0, frame.length, { flags: 0, gsoType: 0, hdrLen: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 });
socket.flush();
