/**
 * The web view as a browser shows it, before a real router: what is in the page, that it goes on by itself, and that it is what the command line
 * tells. Without a Chromium it is left out, but in CI (CI=true), where that is a failure. The topology is that of lab/hosts-topology.ts.
 */
import { findBrowser } from '../../lab/browser';
import { buildHostsTopology, hostAddress, type HostsTopology } from '../../lab/hosts-topology';
import { labId, openLab, stopLab, type Lab } from '../../lab/lab';
import { tapName } from '../../lab/plan';
import { waitFor } from '../../lab/wait';
import { openPage, type OpenedPage } from '../../lab/web';
import type { TraceView } from '../../src/control/explain-types';

const ID = labId('web');
const BALANCED = '10.20.0.0/16';
const REFUSED = '10.66.0.0/16';
const program = findBrowser();
jest.setTimeout(120_000);

const inBrowser = program === undefined && process.env.CI !== 'true' ? describe.skip : describe;

inBrowser('in a browser', () => {
  let lab: Lab | undefined;
  let topology: HostsTopology;
  let page: OpenedPage;

  beforeAll(async () => {
    if (program === undefined) {
      throw new Error('there is no Chromium: apt-get install chromium-headless-shell, or name one by FPM2AFI_BROWSER');
    }
    lab = await openLab(ID);
    topology = await buildHostsTopology(lab, {
      refuse: [REFUSED],
      config: [
        ...[1, 2].map((host) => `ip route ${BALANCED} ${hostAddress(host)}`),
        `ip route ${REFUSED} ${hostAddress(1)}`,
      ],
    });
    await waitFor(
      async () => {
        const routes = await topology.bridge.routes();
        const legs = routes.find(({ prefix }) => prefix === BALANCED)?.nexthops ?? [];
        const refused = routes.find(({ prefix }) => prefix === REFUSED)?.state;
        return legs.length === 2 && legs.every(({ state }) => state === 'ready') && refused === 'failed';
      },
      { timeoutMs: 60_000, what: 'the static routes' },
    );
    page = await openPage(topology.router, program, { size: { width: 1100, height: 900 }, intervalSeconds: 0.5 });
  });

  afterAll(async () => {
    await page?.close();
    await lab?.close();
    await stopLab(ID);
  });

  const text = async (selector: string): Promise<string> =>
    String(await page.tab.evaluate(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? ''`));
  const cellsOfPort = async (port: number): Promise<string[]> =>
    (await page.tab.evaluate(
      `[...document.querySelectorAll('#ports tbody tr')[${port}].cells].map((cell) => cell.textContent)`,
    )) as string[];
  const click = (selector: string): Promise<unknown> =>
    page.tab.evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`);
  const until = (what: string, look: () => Promise<boolean>): Promise<boolean> =>
    waitFor(look, { timeoutMs: 30_000, what });
  /** Fills a form and sends it. */
  const send = (form: string, fields: Readonly<Record<string, string>>): Promise<unknown> =>
    page.tab.evaluate(`(() => {
      const form = document.getElementById(${JSON.stringify(form)});
      for (const [name, value] of Object.entries(${JSON.stringify(fields)})) form.elements[name].value = value;
      form.requestSubmit();
    })()`);
  /** The tokens of the marked nodes of the picture. */
  const marked = async (): Promise<unknown> =>
    page.tab.evaluate(`[...document.querySelectorAll('#story rect[stroke-width="3"]')].map((rect) =>
      Number(rect.nextElementSibling.textContent.split(' ')[1]))`);

  test('sessions, problems, routes and ports are those of show', async () => {
    const { fpm, pid } = await topology.bridge.status();
    expect(await text('#daemon')).toContain(`pid ${pid}, up `);
    expect(await text('#sessions')).toContain(`zebra connected from ${fpm.peer!}`);
    expect(await text('#problems')).toContain('1 route was refused by the vASIC');
    expect(await text('#states')).toMatch(/failed 1\n/);
    for (const port of [0, 1, 2]) {
      expect((await cellsOfPort(port)).slice(0, 3)).toEqual([String(port), tapName(port), 'up']);
    }
  });

  test('traffic is shown as it comes, and drawn', async () => {
    const pinging = topology.hosts[0]!.exec(['ping', '-q', '-i', '0.02', '-w', '10', hostAddress(1)]);
    await until('packets at port 1', async () => {
      const cells = await cellsOfPort(1);
      return Number(cells[3]) > 0 && Number(cells[5]) > 0;
    });
    const points = String(
      await page.tab.evaluate(`document.querySelector('#ports tr:nth-child(2) polyline').getAttribute('points')`),
    );
    expect(points.split(' ').length).toBeGreaterThan(1);
    await pinging;
  });

  test('a click on a state lists its routes, one on a route tells why', async () => {
    await click('#states button:nth-child(3)');
    await until('the list of refused routes', async () => (await text('#list tbody')).includes(REFUSED));
    await click('#list .link');
    await until('its story', async () => (await text('#story pre')).startsWith(`${REFUSED}: failed\n`));
    expect(await text('#story pre')).toMatch(/stops at +vASIC: /);
  });

  test('a packet is traced as by the command line, and its way drawn among those that it could have gone', async () => {
    const [src, dst, sport] = [hostAddress(0), '10.20.0.7', '40001'];
    const argv = ['fpm2afi', 'trace', src, dst, '--sport', sport, '--json'];
    const { steps, outcome } = JSON.parse(await topology.router.must(argv)) as TraceView;
    expect(outcome.kind).toBe('output');
    await send('trace', { src, dst, sport });
    await until('its way', async () => (await text('#story pre')).includes(`${src} > ${dst}, udp ${sport}`));
    expect(await text('#story pre')).toMatch(/leaves by port [12] /);
    expect(await marked()).toEqual(steps.map(({ token }) => token));
    const nodes = Number(await page.tab.evaluate(`document.querySelectorAll('#story rect[rx]').length`));
    // The other path's neighbor, its frame and its port.
    expect(nodes).toBe(steps.length + 3);
  });

  test('what is asked wrongly is told', async () => {
    await send('why', { where: 'nowhere' });
    await until('the refusal', async () => (await text('#story')).startsWith('where: nowhere is not a prefix'));
  });

  test('a bridge that is gone is told of; when it is back, so is the page', async () => {
    await topology.bridge.process().kill('SIGTERM');
    await until('the notice', async () => (await text('#notice')).includes("isn't running"));
    await topology.bridge.restart();
    const { pid } = await topology.bridge.status();
    await until('the new bridge', async () => (await text('#daemon')).includes(`pid ${pid},`));
    expect(await text('#notice')).toBe('');
  });

  test('nothing was thrown, refused by the policy, or missing, but for what was asked wrongly', () => {
    expect(page.tab.faults).toEqual([expect.stringMatching(/ 400 .*why\?where=nowhere$/)]);
  });
});
