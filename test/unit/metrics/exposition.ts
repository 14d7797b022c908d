/** Reads Prometheus's text format strictly, for the tests of what writes it. */

export interface Family {
  readonly help: string;
  readonly type: string;
  readonly samples: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

/** Families by name. Throws on a line that isn't of the format, and on a sample outside its family. */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, Family>();
  let help: readonly [name: string, text: string] | undefined;
  let current: readonly [name: string, family: Family] | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, word, name, rest] = /^# (HELP|TYPE) (\w+) (.+)$/.exec(line) ?? [];
    if (word === 'HELP') {
      help = [name!, rest!];
    } else if (word === 'TYPE') {
      if (help?.[0] !== name || families.has(name!)) throw new Error(`TYPE without HELP, or twice: ${line}`);
      current = [name!, { help: help![1], type: rest!, samples: [] }];
      families.set(...current);
    } else {
      const [, sample, labels, value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      if (sample === undefined || current === undefined) throw new Error(`not a sample: ${line}`);
      const suffix = sample.startsWith(current[0]) ? sample.slice(current[0].length) : '?';
      const allowed = current[1].type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
      if (!allowed.includes(suffix)) throw new Error(`${sample} below ${current[0]}`);
      const number = value === '+Inf' ? Infinity : Number(value);
      if (Number.isNaN(number)) throw new Error(`not a number: ${line}`);
      current[1].samples.push({ name: sample, labels: parseLabels(labels ?? ''), value: number });
    }
  }
  return families;
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name, value] of text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)",?/g))
    labels[name!] = JSON.parse(`"${value!}"`) as string;
  return labels;
}

/** The value of the one sample with exactly these labels; undefined: there is none. */
export function valueOf(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const wanted = JSON.stringify(Object.entries(labels).sort());
  const found = families
    .get(name)
    ?.samples.filter((sample) => JSON.stringify(Object.entries(sample.labels).sort()) === wanted);
  if (found !== undefined && found.length > 1) throw new Error(`${name} ${wanted} is there ${found.length} times`);
  return found?.[0]?.value;
}
