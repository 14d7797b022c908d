/**
 * /run without room, neither for bytes nor for files: softvasic goes on, is killed and started there, and gives its ports back as they were
 * before it; a bridge runs, and those who ask it wait.
 */
import { join } from 'node:path';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import { link, type LabNode } from '../../lab/node';
import { distDir } from '../../lab/programs';

const ID = labId('fullrun');
jest.setTimeout(120_000);

let lab: Lab;
let vasic: LabNode;

beforeAll(async () => {
  lab = await openLab(ID);
  vasic = await lab.node('vasic');
  await link({ node: vasic, ifname: 'ge0' }, { node: vasic, ifname: 'ge0far' });
});
afterAll(async () => {
  await lab.close();
  await stopLab(ID);
});

/** With a /run of its own; `log` is a file elsewhere, and `steps` what happens there. */
function script(steps: string): string {
  return `
set -e
log=$(mktemp) && trap 'rm -f $log' EXIT
mount -t tmpfs -o size=256k,nr_inodes=40 tmpfs /run
mkdir /run/softvasic
begin() {
  ${process.execPath} ${join(distDir(), 'src/vasic/main.js')} --engine engine --port ge0 --listen unix:/run/softvasic/afi.sock 2>"\${1:-$log}" & pid=$!
  for i in $(seq 300); do [ -S /run/softvasic/afi.sock ] && kill -0 $pid && return; sleep 0.1; done; cat $log; exit 1
}
end() { kill -$1 $pid; wait $pid || true; cat $log; }
gone() { rm -f /run/softvasic/afi.sock; }
fill() { cat /dev/zero >/run/full 2>/dev/null || true; i=0; while touch /run/file$((i++)) 2>/dev/null; do :; done; ! (echo x >/run/more) 2>/dev/null; }
settings() { echo "$1: $(cat /proc/sys/net/ipv6/conf/ge0/disable_ipv6 /proc/sys/net/ipv4/conf/ge0/arp_ignore /proc/sys/net/ipv4/conf/ge0/forwarding | xargs)"; }
${steps}`;
}

const run = (steps: string): Promise<string> => vasic.must(['bash', '-c', script(steps)], { timeoutMs: 100_000 });
const settings = (said: string, when: string): string | undefined => new RegExp(`^${when}: (.*)$`, 'm').exec(said)?.[1];

test('killed and started again while it is full, the last one undoes what the first one did', async () => {
  const said = await run(`
settings before
begin; settings isolated; end KILL; gone
begin; fill; end KILL
rm /run/file0; gone; begin; fill; end TERM
settings after`);
  expect(settings(said, 'before')).toBeDefined();
  expect(settings(said, 'isolated')).not.toBe(settings(said, 'before'));
  expect(settings(said, 'after')).toBe(settings(said, 'before'));
  expect(said).not.toMatch(/can't be kept/);
});

test('what can not be kept is said once, and all the rest is done', async () => {
  const said = await run(`
settings before
mkdir /run/softvasic-state; fill; rm /run/file0
begin; settings isolated; end TERM
settings after`);
  expect(
    said.match(/what its sysctls were can't be kept for the case that this process is killed: ENOSPC/g),
  ).toHaveLength(1);
  expect(settings(said, 'isolated')).not.toBe(settings(said, 'before'));
  expect(settings(said, 'after')).toBe(settings(said, 'before'));
});

test('a log on a full /run is no reason to end, and the lines that it lost are told of', async () => {
  const said = await run(`
begin /run/log; fill
for i in $(seq 40); do kill -HUP $pid; sleep 0.05; done
kill -0 $pid && rm /run/full && kill -HUP $pid
for i in $(seq 100); do grep -q 'lines of the log' /run/log && break; sleep 0.1; done
end TERM; cat /run/log`);
  expect(said).toMatch(/lines of the log could not be written lines=\d+ reason="ENOSPC/);
  expect(said).toContain('SIGTERM: shutting down');
});

test('a bridge that finds no room for its control socket runs without it, and has it later', async () => {
  const said = await run(`
mkdir /run/fpm2afi && printf 'ports: [{ index: 0, tap: tap0 }]\npunt: { mode: external }\n' >/run/fpm2afi.yaml; fill
has() { for i in $(seq 300); do grep -q "$1" $log && return; kill -0 $pid; sleep 0.1; done; cat $log; exit 1; }
${process.execPath} ${join(distDir(), 'src/main.js')} run --config /run/fpm2afi.yaml 2>$log & pid=$!
has 'control socket failed'; has 'waiting for zebra'
rm /run/file0
has 'control socket ready'
${process.execPath} ${join(distDir(), 'src/main.js')} show status
end TERM`);
  expect(said.match(/control socket failed.*ENOSPC/g)).toHaveLength(1);
  expect(said).toMatch(/^FPM +no zebra connected/m);
});
