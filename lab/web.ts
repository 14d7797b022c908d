/** `fpm2afi web` on a router of the lab, and a browser that has its page open. */
import { readFileSync } from 'node:fs';
import { startBrowser, type Browser, type Tab } from './browser';
import type { LabNode } from './node';
import { waitFor } from './wait';

export interface OpenedPage {
  readonly tab: Tab;
  close(): Promise<void>;
}

export interface PageOptions {
  /** In pixels. */
  readonly size: { readonly width: number; readonly height: number };
  /** Between two samples. */
  readonly intervalSeconds: number;
}

/** Opens it, in the router's namespace; returns when it shows the first rates. */
export async function openPage(
  router: LabNode,
  program: string,
  { size, intervalSeconds }: PageOptions,
): Promise<OpenedPage> {
  const web = router.start('web', [
    ...['fpm2afi', 'web', '--listen', '127.0.0.1:0', '--interval', String(intervalSeconds)],
  ]);
  const url = await waitFor(() => /^http:\S+$/m.exec(readFileSync(web.logFile, 'utf8').trim())?.[0], {
    ...{ timeoutMs: 20_000, what: `fpm2afi web to say where it serves (log: ${web.logFile})` },
  });
  const browser: Browser = await startBrowser(program, ['ip', 'netns', 'exec', router.netns]);
  const tab = await browser.open(url, size);
  const when = (): Promise<unknown> => tab.evaluate(`document.getElementById('when').textContent`);
  await waitFor(async () => / s$/.test(String(await when())), { timeoutMs: 20_000, what: 'rates on the page' });
  return {
    tab,
    close: async () => {
      await browser.close();
      await web.kill('SIGTERM');
    },
  };
}
