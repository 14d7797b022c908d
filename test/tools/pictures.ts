/**
 * `make pictures`: the page of `fpm2afi web` as a browser shows it, into docs/pictures. As root, with a Chromium (chromium-headless-shell, or the one
 * that FPM2AFI_BROWSER names). The router, its routes and its traffic are those of a lab with three hosts; nothing on the page is made up.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findBrowser } from '../../lab/browser';
import { buildHostsTopology, hostAddress, type HostsTopology } from '../../lab/hosts-topology';
import { labId, openLab, stopLab } from '../../lab/lab';
import { sleep, waitFor } from '../../lab/wait';
import { openPage } from '../../lab/web';

const ID = labId('pictures');
const FOLDER = join(__dirname, '../../../docs/pictures');
const SIZE = { width: 1200, height: 700 };
const BALANCED = '10.20.0.0/16';
const REFUSED = '10.66.0.0/16';
/** Nobody answers there. */
const SILENT = '10.40.0.0/16';
const CUSTOMERS = Array.from({ length: 200 }, (_, i) => `10.${100 + (i >> 6)}.${i & 63}.0/24`);
/** The page is looked at so long before the picture, for its trends. */
const WATCHED_MS = 60_000;

async function main(): Promise<void> {
  const program = findBrowser();
  if (program === undefined) throw new Error('there is no Chromium: apt-get install chromium-headless-shell');
  mkdirSync(FOLDER, { recursive: true });
  const lab = await openLab(ID);
  try {
    const topology = await buildHostsTopology(lab, {
      refuse: [REFUSED],
      config: [
        ...[1, 2].map((host) => `ip route ${BALANCED} ${hostAddress(host)}`),
        `ip route ${REFUSED} ${hostAddress(1)}`,
        `ip route ${SILENT} ${hostAddress(1, 99)}`,
        ...CUSTOMERS.map((prefix, i) => `ip route ${prefix} ${hostAddress(i % 3)}`),
      ],
    });
    const isThere = async (): Promise<boolean> => {
      const routes = await topology.bridge.routes();
      return routes.length > CUSTOMERS.length && routes.every(({ state }) => state !== 'pending');
    };
    await waitFor(isThere, { timeoutMs: 60_000, what: 'the routes' });
    const traffic = makeTraffic(topology);
    const { tab, close } = await openPage(topology.router, program, { size: SIZE, intervalSeconds: 2 });
    const picture = async (name: string): Promise<void> => {
      writeFileSync(join(FOLDER, name), await tab.picture());
      process.stdout.write(`docs/pictures/${name}\n`);
    };
    await sleep(WATCHED_MS);
    await picture('web.png');
    await tab.evaluate(`(() => {
      const form = document.getElementById('trace');
      const fields = { src: '${hostAddress(0)}', dst: '10.20.0.7', sport: '40001' };
      for (const [name, value] of Object.entries(fields)) form.elements[name].value = value;
      form.requestSubmit();
    })()`);
    const isDrawn = async (): Promise<boolean> =>
      (await tab.evaluate(`document.querySelector('#story svg') !== null`)) === true;
    await waitFor(isDrawn, { timeoutMs: 10_000, what: 'the trace' });
    await picture('web-trace.png');
    await close();
    await traffic;
  } finally {
    await lab.close();
    await stopLab(ID);
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

main().catch((error: unknown) => {
  process.stderr.write(`pictures: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
