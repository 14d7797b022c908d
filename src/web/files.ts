/** The files of the page, as the package has them in `web/`: read once, and nothing else is ever opened. */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
}

const FOLDER = join(__dirname, '../../../web');
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** By the name that the browser asks for; `` is the page. */
export function readPage(): ReadonlyMap<string, PageFile> {
  return new Map(
    readdirSync(FOLDER).flatMap((name): [string, PageFile][] => {
      const type = TYPES[extname(name)];
      const asked = name === 'index.html' ? '' : name;
      return type === undefined ? [] : [[asked, { type, body: readFileSync(join(FOLDER, name)) }]];
    }),
  );
}
