/**
 * The router that the dashboard is looked at: that of the documents (one route refused, one with a silent neighbor, LSPs, a VRF), with metrics, a Prometheus
 * that reads them under the names of two routers, and traffic of each kind that there is a panel for.
 */
import type { Lab } from '../../lab/lab';
import type { LabNode } from '../../lab/node';
import { hostAddress } from '../../lab/hosts-topology';
import { portMac, vrouterMac } from '../../lab/plan';
import { sleep } from '../../lab/wait';
import { buildStage as buildRouter, type Stage as Router } from '../docs/stage';
import { startPrometheus, type Prometheus } from './prometheus';

export const METRICS = '127.0.0.1:12620';
export const RULES = 'packaging/prometheus/fpm2afi.rules.yml';
export const JOB = 'fpm2afi';
/** With two of them a legend that doesn't tell them apart shows. */
export const INSTANCES = ['router1.example.net:12620', 'router2.example.net:12620'];
/** A label that nothing is known of. */
const LABELLED = '003e7140';
/** Fewer than are sent, so that some are dropped. */
const LOCAL_LIMIT = 20;
const CHANGED = Array.from({ length: 20 }, (_, i) => `10.90.${i}.0/24`);

export interface Stage extends Router {
  readonly prometheus: Prometheus;
  /** Ends what changes routes. */
  quiet(): Promise<void>;
}

/** Builds it; a scrape each so many seconds, under each of these names. */
export async function buildStage(
  lab: Lab,
  intervalSeconds: number,
  instances: readonly string[] = INSTANCES,
): Promise<Stage> {
  const router = await buildRouter(lab, [`metrics.listen=${METRICS}`, `punt.policers.local=${LOCAL_LIMIT}`]);
  const prometheus = await startPrometheus(router.router, {
    ...{ job: JOB, target: METRICS, instances, intervalSeconds, ruleFile: `${process.cwd()}/${RULES}` },
  });
  await router.router.exec(['fpm2afi', 'audit']);
  makeTraffic(router);
  const changing = new AbortController();
  const changes = changeRoutes(router, changing.signal);
  return {
    ...router,
    prometheus,
    quiet: async () => {
      changing.abort();
      await changes;
    },
  };
}

/** Forwarded, for the router itself, and with a label that nobody gave out; until the lab is closed. */
function makeTraffic({ hosts }: Router): void {
  const ping = (from: number, to: string, seconds: string): void => {
    hosts[from]!.start('ping', ['ping', '-q', '-i', seconds, to]);
  };
  ping(0, hostAddress(1), '0.01');
  ping(2, hostAddress(2, 1), '0.01');
  sendLabelled(hosts[1]!);
}

function sendLabelled(host: LabNode): void {
  const frame = [portMac(1), vrouterMac(1)].join('').replaceAll(':', '') + '8847' + LABELLED + '45'.padEnd(92, '0');
  const program =
    'import socket,sys,time\ns=socket.socket(socket.AF_PACKET,socket.SOCK_RAW); s.bind(("veth",0))\n' +
    'while True: s.send(bytes.fromhex(sys.argv[1])); time.sleep(0.1)';
  host.start('labelled', ['python3', '-c', program, frame]);
}

/** Routes that come and go. */
async function changeRoutes({ frr }: Router, signal: AbortSignal): Promise<void> {
  for (let round = 0; !signal.aborted; round++) {
    const lines = CHANGED.map((prefix) => `${round % 2 === 0 ? '' : 'no '}ip route ${prefix} ${hostAddress(0)}`);
    await frr.vtysh(['configure terminal', ...lines].join('\n'));
    await sleep(500);
  }
}
