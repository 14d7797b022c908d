/**
 * Drops every packet that arrives at an interface, in the kernel, which counts them (`ip -s link`). `node packet-sink.js INTERFACE` says
 * "ready" and ends with a signal. While it runs, other interfaces can hand frames over to this one at full speed: a veth needs a
 * program at its peer for that.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BpfObject } from '../../src/sys/bpf-object';
import { createLink } from '../../src/sys/bpf';
import { ifNameToIndex } from '../../src/sys/libc';

const object = BpfObject.load('sink', readFileSync(join(__dirname, 'generate.bpf.o')), ['sink'], {});
createLink(object.programFd('sink'), ifNameToIndex(process.argv[2] ?? ''), 'xdp');
console.log('ready');
// The link lasts as long as the process.
setInterval(() => undefined, 1 << 30);
