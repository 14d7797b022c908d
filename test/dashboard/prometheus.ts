/** A Prometheus of Debian's package (scripts/prometheus.sh) in a node of the lab, and what is asked of it over its HTTP API. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { httpGet } from '../../lab/http';
import { at, items, textAt } from '../../lab/json';
import type { LabNode } from '../../lab/node';
import { waitFor } from '../../lab/wait';

const FOLDER = join(process.env.FPM2AFI_CACHE ?? '/var/cache/fpm2afi', 'prometheus');
const LISTEN = '127.0.0.1:9090';
export const PROMTOOL = join(FOLDER, 'promtool');

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** Seconds since 1970, and the value. */
  readonly points: readonly (readonly [number, number])[];
}

export interface Rule {
  readonly name: string;
  readonly expr: string;
  /** `ok`, or what it complains of. */
  readonly health: string;
}

export interface Alert {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** From when till when, how close: seconds. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

export interface Prometheus {
  /** A dashboard's question. */
  range(expr: string, span: Span): Promise<readonly Series[]>;
  /** The values that `label_values(metric, label)` of Grafana's variables has. */
  labelValues(query: string): Promise<readonly string[]>;
  rules(): Promise<readonly Rule[]>;
  /** Those whose condition holds, for however short. */
  alerts(): Promise<readonly Alert[]>;
}

export interface ScrapeOptions {
  readonly job: string;
  /** What is scraped, under each of these names for it. */
  readonly target: string;
  readonly instances: readonly string[];
  readonly intervalSeconds: number;
  readonly ruleFile: string;
}

/** Starts it; returns when it answers. */
export async function startPrometheus(node: LabNode, options: ScrapeOptions): Promise<Prometheus> {
  const folder = join(node.dir, 'prometheus');
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'prometheus.yml');
  const interval = `${options.intervalSeconds}s`;
  const targets = options.instances.map((instance) => ({ targets: [options.target], labels: { instance } }));
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
      rule_files: [options.ruleFile],
      scrape_configs: [{ job_name: options.job, static_configs: targets }],
    }),
  );
  const started = node.start('prometheus', [
    join(FOLDER, 'prometheus'),
    ...[`--config.file=${config}`, `--storage.tsdb.path=${join(folder, 'data')}`, `--web.listen-address=${LISTEN}`],
  ]);
  await waitFor(async () => (await httpGet(node, [`http://${LISTEN}/-/ready`]))[0]?.status === 200, {
    ...{ timeoutMs: 30_000, what: `Prometheus to answer (log: ${started.logFile})` },
  });

  /** The data of an answer. Throws with Prometheus's words, warnings among them. */
  const ask = async (path: string, parameters: Readonly<Record<string, string>> = {}): Promise<unknown> => {
    const [answer] = await httpGet(node, [
      `http://${LISTEN}/api/v1/${path}?${String(new URLSearchParams(parameters))}`,
    ]);
    const json = JSON.parse(answer!.body) as unknown;
    const fault = textAt(json, 'error') || items(at(json, 'warnings')).join(' ');
    if (fault !== '') throw new Error(fault);
    return at(json, 'data');
  };
  return {
    range: async (query, { start, end, step }) => {
      const data = await ask('query_range', { query, start: String(start), end: String(end), step: String(step) });
      return items(at(data, 'result')).map((one) => ({
        labels: at(one, 'metric') as Record<string, string>,
        points: items(at(one, 'values')).map((pair) => [Number(at(pair, 0)), Number(at(pair, 1))] as const),
      }));
    },
    labelValues: async (query) => {
      const [, match, label] = /^label_values\((.*), *(\w+)\)$/.exec(query) ?? [];
      if (label === undefined) throw new Error(`not understood: ${query}`);
      return items(await ask(`label/${label}/values`, { 'match[]': match! })).map(String);
    },
    rules: async () =>
      items(at(await ask('rules'), 'groups')).flatMap((group) =>
        items(at(group, 'rules')).map((rule) => ({
          name: textAt(rule, 'name'),
          expr: textAt(rule, 'query'),
          health: textAt(rule, 'lastError') || textAt(rule, 'health'),
        })),
      ),
    alerts: async () =>
      items(at(await ask('alerts'), 'alerts')).map((alert) => ({
        name: textAt(alert, 'labels', 'alertname'),
        labels: at(alert, 'labels') as Record<string, string>,
        annotations: at(alert, 'annotations') as Record<string, string>,
      })),
  };
}
