/**
 * TCP of real kernels through a label edge of the kernel engine: the sender's large segments are cut before they get their label, its small ones aren't,
 * and none overtakes another. One softvasic is both ends of the LSP: port 1 and port 2 are a cable, what gets a label leaves by the
 * one, comes back by the other, and loses it on the way to the receiver. Of TCP nothing is lost here that isn't sent again, with another IP id: so
 * one that comes behind a higher id was overtaken.
 */
import { labId, openLab, stopLab, type Lab } from '../../../lab/lab';
import { link, type LabNode } from '../../../lab/node';
import { portMac, portName, tapName, vrouterMac } from '../../../lab/plan';
import { logLines, logMark } from '../../../lab/process';
import { buildRouter, startPrograms, type RouterPrograms } from '../../../lab/router';
import { waitFor } from '../../../lab/wait';
import { ZebraFrames } from '../../../lab/zebra-frames';

const ID = labId('labeledge');
const PORTS = [0, 1, 2, 3];
const LABEL = 2000;
const FAR = Uint8Array.of(10, 9, 0, 0);
const RECEIVER = '10.9.0.1';
const TCP_PORT = 5201;
const FPM_PORT = 2620;
/** With room for labels. */
const CORE_MTU = 1600;
const BLOCK = 128 * 1024;
const BLOCKS = 400;
jest.setTimeout(120_000);

/** Plays frames to the bridge and stays connected. */
const FEED =
  'import socket,sys,time; s=socket.create_connection(("127.0.0.1",int(sys.argv[1])))\n' +
  's.sendall(bytes.fromhex(sys.argv[2]))\nwhile s.recv(65536): pass';
/** Blocks that become whole segments of 64 KB and a small one each, with pauses: so small ones follow large ones that are still to be cut. */
const SEND =
  'import socket,sys,time; s=socket.create_connection((sys.argv[1],int(sys.argv[2])))\n' +
  's.setsockopt(socket.IPPROTO_TCP,socket.TCP_NODELAY,1)\n' +
  'for i in range(int(sys.argv[4])): s.sendall(b"x"*int(sys.argv[3])); time.sleep(0.002)';
const RECEIVE =
  'import socket,sys; l=socket.create_server(("",int(sys.argv[1]))); print("ready",flush=True)\n' +
  's,_=l.accept(); n=0\nwhile True:\n d=s.recv(1<<20)\n if not d: break\n n+=len(d)\nprint(n,flush=True)';
/** (33: SO_RCVBUFFORCE) Counts segments of the connection, and those whose IP id is behind one that came before; says so at the end of the connection. */
const WATCH =
  'import socket,sys,struct\n' +
  's=socket.socket(socket.AF_PACKET,socket.SOCK_RAW,socket.htons(0x0800)); s.setsockopt(socket.SOL_SOCKET,33,1<<27)\n' +
  's.bind(("veth",0x0800)); print("ready",flush=True); last=None; seen=late=large=0\n' +
  'while True:\n' +
  ' f,a=s.recvfrom(65700)\n' +
  ' if a[2]==4 or f[23]!=6 or struct.unpack("!H",f[36:38])[0]!=int(sys.argv[1]): continue\n' +
  ' seen+=1; large+=len(f)>1514; i=struct.unpack("!H",f[18:20])[0]\n' +
  ' if last is not None and (i-last)&0xffff>0x7fff: late+=1\n' +
  ' else: last=i\n' +
  ' if f[47]&1: print("%d %d %d"%(seen,late,large),flush=True)';

/** Numbered datagrams: 20 of 1000 bytes as one segment (103: UDP_SEGMENT), which the kernel engine leaves to the other, then one alone; at last the highest number. */
const SEND_UDP =
  'import os,socket,sys,time; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.connect((sys.argv[1],int(sys.argv[2])))\n' +
  'os.sched_setscheduler(0,os.SCHED_FIFO,os.sched_param(50))\n' +
  'def block(first,count): return b"".join((first+i).to_bytes(4,"big")+bytes(996) for i in range(count))\n' +
  'for i in range(int(sys.argv[3])):\n' +
  ' large=block(21*i,20); small=block(21*i+20,1); s.setsockopt(17,103,1000); s.send(large); s.setsockopt(17,103,0); s.send(small); time.sleep(0.002)\n' +
  'time.sleep(0.5); s.send(b"\\xff\\xff\\xff\\xff")';
const RECEIVE_UDP =
  'import socket,sys; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET,33,1<<25)\n' +
  's.bind(("",int(sys.argv[1]))); print("ready",flush=True); last=-1; seen=late=0\n' +
  'while True:\n' +
  ' n=int.from_bytes(s.recv(65536)[:4],"big")\n' +
  ' if n==0xffffffff: break\n' +
  ' seen+=1; late+=n<last; last=max(n,last)\n' +
  'print("%d %d"%(seen,late),flush=True)';

let lab: Lab | undefined;
let sender: LabNode;
let receiver: LabNode;
let router: LabNode;
let programs: RouterPrograms;

beforeAll(async () => {
  lab = await openLab(ID);
  const built = await buildRouter(lab, false);
  router = built.router;
  const { vasic } = built;
  sender = await lab.node('sender');
  receiver = await lab.node('receiver');
  const end = (port: number) => ({ node: vasic, ifname: portName(port), mac: portMac(port) });
  const host = (node: LabNode, port: number, more: readonly string[] = []) => ({
    ...{ node, ifname: 'veth', mac: vrouterMac(port), addresses: [`10.${port}.0.2/24`, ...more] },
  });
  await link(end(0), host(sender, 0));
  await link({ ...end(1), mtu: CORE_MTU }, { ...end(2), mtu: CORE_MTU });
  await link(end(3), host(receiver, 3, [`${RECEIVER}/32`]));
  await sender.must(['ip', 'route', 'add', 'default', 'via', '10.0.0.1']);
  await receiver.must(['ip', 'route', 'add', 'default', 'via', '10.3.0.1']);
  programs = await startPrograms(built, { ports: PORTS, engine: 'kernel' });
  for (const port of PORTS) {
    await router.must(['ip', 'address', 'add', `10.${port}.0.1/24`, 'dev', tapName(port)]);
    const mtu = port === 1 || port === 2 ? CORE_MTU : 1500;
    await router.must(['ip', 'link', 'set', tapName(port), 'mtu', String(mtu), 'up']);
    const mac = port === 1 ? portMac(2) : vrouterMac(port);
    await router.must(['ip', 'neigh', 'replace', `10.${port}.0.2`, 'lladdr', mac, 'dev', tapName(port), 'nud', 'permanent']); // prettier-ignore
  }
  const shown = await router.must(['cat', ...PORTS.map((port) => `/sys/class/net/${tapName(port)}/ifindex`)]);
  const ifindexes = shown.trim().split('\n').map(Number);
  const neighbor = (port: number): Uint8Array => Uint8Array.of(10, port, 0, 2);
  const frames = new ZebraFrames();
  for (const port of [0, 3]) frames.connected(Uint8Array.of(10, port, 0, 0), 24, ifindexes[port]!);
  frames.nexthop(1, neighbor(1), ifindexes[1]!, [LABEL]).route(FAR, 16, 1);
  frames.lsp(LABEL, [], neighbor(3), ifindexes[3]!);
  router.start('feed', ['python3', '-c', FEED, String(FPM_PORT), frames.take().toString('hex')]);
  const ready = async (): Promise<boolean> => {
    const { fib } = await programs.bridge.status();
    const routes = await programs.bridge.routes();
    const isOffloaded = routes.some(({ prefix, state }) => prefix === '10.9.0.0/16' && state === 'offloaded');
    return isOffloaded && fib.lsps.offloaded === 1;
  };
  await waitFor(ready, { timeoutMs: 30_000, what: 'route and LSP to be offloaded' });
});

afterAll(async () => {
  await lab?.close();
  await stopLab(ID);
});

/** Starts a script on the receiver; returns when it says that it is ready, with what waits for its next line. */
async function listening(name: string, script: string): Promise<() => Promise<string>> {
  const mark = logMark(receiver.logFile(name));
  const run = receiver.start(name, ['python3', '-c', script, String(TCP_PORT)]);
  const lines = (): readonly string[] => logLines(run.logFile, mark);
  await waitFor(() => lines().includes('ready'), { timeoutMs: 10_000, what: `${name} to be ready (${run.logFile})` });
  return () => waitFor(() => lines()[1], { timeoutMs: 60_000, what: `${name} to end (${run.logFile})` });
}

/** One of the receiver's counters of TCP (nstat). */
async function tcpCounter(name: string): Promise<number> {
  const [names = [], values = []] = (await receiver.must(['cat', '/proc/net/netstat']))
    .split('\n')
    .filter((line) => line.startsWith('TcpExt: '))
    .map((line) => line.split(' '));
  return Number(values[names.indexOf(name)]);
}

test('no small segment overtakes a large one that gets a label', async () => {
  const watched = await listening('watch', WATCH);
  const received = await listening('receive', RECEIVE);
  const before = await tcpCounter('TCPOFOQueue');
  await sender.must(['python3', '-c', SEND, RECEIVER, String(TCP_PORT), String(BLOCK), String(BLOCKS)], {
    timeoutMs: 60_000,
  });
  expect(Number(await received())).toBe(BLOCK * BLOCKS);
  const [seen = 0, late, large] = (await watched()).split(' ').map(Number);
  const queued = (await tcpCounter('TCPOFOQueue')) - before;
  process.stdout.write(
    `label-edge.test: ${seen} segments, ${late} overtaken, ${queued} queued as out of order by the receiver's TCP\n`,
  );
  expect(seen).toBeGreaterThan((BLOCK * BLOCKS) / 1500);
  expect({ late, large }).toEqual({ late: 0, large: 0 });
});

test('no datagram overtakes others of its flow that come as one segment, with labels or without', async () => {
  for (const address of [RECEIVER, '10.3.0.2']) {
    const received = await listening('receive-udp', RECEIVE_UDP);
    await sender.must(['python3', '-c', SEND_UDP, address, String(TCP_PORT), '200'], { timeoutMs: 60_000 });
    const [seen = 0, late] = (await received()).split(' ').map(Number);
    process.stdout.write(`label-edge.test: ${seen} datagrams to ${address}, ${late} overtaken\n`);
    expect(seen).toBeGreaterThan(2000);
    expect(late).toBe(0);
  }
});
