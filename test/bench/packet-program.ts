/**
 * Hangs one of generate.bpf.c's programs on an interface: `node packet-program.js sink INTERFACE` drops every packet that arrives, in the
 * kernel, which counts them (`ip -s link`); `node packet-program.js wire INTERFACE OUT` sends it out of another interface, as it is, and so
 * does `wire_tc` by tc (tcx, Linux 6.6). Says "ready" and ends with a signal. While it runs, other interfaces can hand frames over to this one
 * at full speed: a veth needs a program at its peer for that.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BpfObject } from '../../src/sys/bpf-object';
import { createLink } from '../../src/sys/bpf';
import { ifNameToIndex } from '../../src/sys/libc';

const [program = '', interfaceName = '', out] = process.argv.slice(2);
const wireOut = Buffer.alloc(4);
if (out !== undefined) wireOut.writeUInt32LE(ifNameToIndex(out));
const bytes = readFileSync(join(__dirname, 'generate.bpf.o'));
const object = BpfObject.load({
  name: program,
  bytes,
  programs: [program],
  maps: { '.rodata.wire': { contents: wireOut } },
});
createLink(object.programFd(program), ifNameToIndex(interfaceName), program === 'wire_tc' ? 'tcx' : 'xdp');
console.log('ready');
// The link lasts as long as the process.
setInterval(() => undefined, 1 << 30);
