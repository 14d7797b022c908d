/** A thread that receives from a rtnetlink socket until told to stop, for netlink-socket.test.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { NETLINK_RECEIVE_BYTES, receiveNetlink } from '../../../src/sys/netlink-socket';

const { fd, stop } = workerData as { readonly fd: number; readonly stop: Int32Array };
const buffer = Buffer.alloc(NETLINK_RECEIVE_BYTES);
let received = 0;
while (Atomics.load(stop, 0) === 0) if (typeof receiveNetlink(fd, buffer) === 'number') received++;
parentPort!.postMessage(received);
