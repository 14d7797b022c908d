/**
 * `make pictures`: what the documents show, into docs/pictures: the page of `fpm2afi web` as a browser shows it, a screen of `fpm2afi top`, `fpm2afi graph`, and the
 * panels of the Grafana dashboard. As root, with a Chromium (chromium-headless-shell, or the one that FPM2AFI_BROWSER names). Routers, routes and traffic are those of
 * labs; no number is made up. Arguments: those of web, top, graph, dashboard that are wanted; all without.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findBrowser, startBrowser } from '../../lab/browser';
import { buildHostsTopology, hostAddress, type HostsTopology } from '../../lab/hosts-topology';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import type { LabNode } from '../../lab/node';
import { sleep, waitFor } from '../../lab/wait';
import { openPage } from '../../lab/web';
import type { TopView } from '../../src/control/top-model';
import { topLines } from '../../src/control/top-text';
import { legendOf, readDashboard, substitute } from '../dashboard/dashboard';
import { valuesOf } from '../dashboard/panels';
import { buildStage as buildDashboardStage, INSTANCES } from '../dashboard/stage';
import { dashboardPage, PAGE_WIDTH, type FilledPanel } from './dashboard-page';
import { terminalPage } from './terminal-page';

const ID = labId('pictures');
const FOLDER = join(__dirname, '../../../docs/pictures');
const SIZE = { width: 1200, height: 700 };
const BALANCED = '10.20.0.0/16';
const REFUSED = '10.66.0.0/16';
/** Nobody answers there. */
const SILENT = '10.40.0.0/16';
const CUSTOMERS = Array.from({ length: 200 }, (_, i) => `10.${100 + (i >> 6)}.${i & 63}.0/24`);
/** The dashboard's, which has labels and a VRF too. */
const SCRAPED_SECONDS = 2;
const DASHBOARD_SECONDS = 120;
const DASHBOARD_FOOTER =
  'Drawn by make pictures from packaging/grafana/fpm2afi.json, with what a Prometheus that scrapes a router of the lab answers. Not a picture of Grafana.';
const TOP_AFTER_MS = 5000;
/** The page is looked at so long before the picture, for its trends. */
const WATCHED_MS = 60_000;

const made = (name: string, content: Buffer | string): void => {
  writeFileSync(join(FOLDER, name), content);
  process.stdout.write(`docs/pictures/${name}\n`);
};

async function main(program: string, wanted: readonly string[]): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  const wants = (name: string): boolean => wanted.length === 0 || wanted.includes(name);
  if (['web', 'top', 'graph'].some(wants)) await inLab((lab) => hostsPictures(lab, program, wants));
  if (wants('dashboard')) await inLab(async (lab) => made('dashboard.png', await dashboardPicture(lab, program)));
}

async function inLab(work: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await openLab(ID);
  try {
    await work(lab);
  } finally {
    await lab.close();
    await stopLab(ID);
  }
}

/** The pictures of a router with three hosts. */
async function hostsPictures(lab: Lab, program: string, wants: (name: string) => boolean): Promise<void> {
  const topology = await buildHostsTopology(lab, {
    refuse: [REFUSED],
    config: [
      ...[1, 2].map((host) => `ip route ${BALANCED} ${hostAddress(host)}`),
      `ip route ${REFUSED} ${hostAddress(1)}`,
      `ip route ${SILENT} ${hostAddress(1, 99)}`,
      ...CUSTOMERS.map((prefix, i) => `ip route ${prefix} ${hostAddress(i % 3)}`),
    ],
  });
  const { router } = topology;
  const isThere = async (): Promise<boolean> => {
    const routes = await topology.bridge.routes();
    return routes.length > CUSTOMERS.length && routes.every(({ state }) => state !== 'pending');
  };
  await waitFor(isThere, { timeoutMs: 60_000, what: 'the routes' });
  if (wants('graph')) made('graph.svg', await router.must(['fpm2afi', 'graph', BALANCED, '--svg']));
  const traffic = makeTraffic(topology);
  if (wants('top')) made('top.png', await topPicture(router, program));
  if (wants('web')) await webPictures(router, program);
  await traffic;
}

async function webPictures(router: LabNode, program: string): Promise<void> {
  const { tab, close } = await openPage(router, program, { size: SIZE, intervalSeconds: 2 });
  await sleep(WATCHED_MS);
  made('web.png', await tab.picture());
  await tab.evaluate(`(() => {
    const form = document.getElementById('trace');
    const fields = { src: '${hostAddress(0)}', dst: '10.20.0.7', sport: '40001' };
    for (const [name, value] of Object.entries(fields)) form.elements[name].value = value;
    form.requestSubmit();
  })()`);
  const isDrawn = async (): Promise<boolean> =>
    (await tab.evaluate(`document.querySelector('#story svg') !== null`)) === true;
  await waitFor(isDrawn, { timeoutMs: 10_000, what: 'the trace' });
  made('web-trace.png', await tab.picture());
  await close();
}

/** A screen of `fpm2afi top`, of what it tells as JSON. */
async function topPicture(router: LabNode, program: string): Promise<Buffer> {
  await sleep(TOP_AFTER_MS);
  const view = JSON.parse(
    await router.must(['fpm2afi', 'top', '--batch', '1', '--interval', '5', '--json']),
  ) as TopView;
  return pictureOf(program, terminalPage(topLines(view, { columns: 80, color: true })), { width: 700, height: 100 });
}

/** The dashboard's panels with what a real Prometheus has after two minutes. */
async function dashboardPicture(lab: Lab, program: string): Promise<Buffer> {
  const instances = [INSTANCES[0]!];
  const stage = await buildDashboardStage(lab, SCRAPED_SECONDS, instances);
  await sleep(DASHBOARD_SECONDS * 1000);
  const end = Math.floor(Date.now() / 1000);
  const span = { start: end - DASHBOARD_SECONDS, end, step: SCRAPED_SECONDS };
  const values = valuesOf(span, SCRAPED_SECONDS, instances);
  const filled: FilledPanel[] = [];
  for (const panel of readDashboard().panels) {
    const lines: FilledPanel['lines'][number][] = [];
    for (const target of panel.targets) {
      const found = await stage.prometheus.range(substitute(target.expr, values), span);
      lines.push(...found.map(({ labels, points }) => ({ name: legendOf(target, labels), points })));
    }
    filled.push({ panel, lines });
  }
  await stage.quiet();
  const page = dashboardPage(filled, span, `fpm2afi: ${instances.join()}`, DASHBOARD_FOOTER);
  return pictureOf(program, page, { width: PAGE_WIDTH, height: 100 });
}

async function pictureOf(program: string, html: string, size: typeof SIZE): Promise<Buffer> {
  const browser = await startBrowser(program);
  try {
    const tab = await browser.open(`data:text/html;base64,${Buffer.from(html).toString('base64')}`, size);
    return await tab.picture();
  } finally {
    await browser.close();
  }
}

/** Some of each kind, while the page is watched: forwarded, for the router itself, and routes that change. */
async function makeTraffic({ hosts, frr }: HostsTopology): Promise<void> {
  const seconds = String(Math.ceil(WATCHED_MS / 1000) + 5);
  const ping = (from: number, to: string, ...more: string[]): Promise<unknown> =>
    hosts[from]!.exec(['ping', '-q', '-w', seconds, ...more, to], { timeoutMs: 2 * WATCHED_MS });
  const changes = async (): Promise<void> => {
    for (let round = 0; round < Number(seconds) / 2; round++) {
      const lines = CUSTOMERS.slice(0, 40).flatMap((prefix, i) => {
        const [old, next] = [round, round + 1].map((turn) => hostAddress((i + turn) % 3));
        return [`ip route ${prefix} ${next!}`, `no ip route ${prefix} ${old!}`];
      });
      await frr.vtysh(['configure terminal', ...lines, 'end'].join('\n'));
      await sleep(2000);
    }
  };
  await Promise.all([
    ping(0, hostAddress(1), '-i', '0.002', '-s', '1400'),
    ping(1, hostAddress(2), '-i', '0.01', '-s', '800'),
    ping(2, hostAddress(2, 1), '-i', '0.05'),
    changes(),
  ]);
}

const program = findBrowser();
const running =
  program === undefined
    ? Promise.reject(new Error('there is no Chromium: apt-get install chromium-headless-shell'))
    : main(program, process.argv.slice(2));
running.catch((error: unknown) => {
  process.stderr.write(`pictures: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
