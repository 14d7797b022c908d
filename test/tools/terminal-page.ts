/** A page that shows lines for a terminal, with their colors. Pure. */

const STYLES: Readonly<Record<string, string>> = { 1: 'font-weight: bold', 31: 'color: #ff6b6b', 33: 'color: #f5c542' };
const PAGE =
  'body { margin: 0; background: #16181d; } pre { margin: 0; padding: 14px; color: #d6d6d6; font: 14px/1.25 "DejaVu Sans Mono", monospace; display: inline-block; }';

const ESCAPE = new RegExp(`${String.fromCharCode(27)}\\[(\\d*)m`);

/** The page. Of escape sequences it knows those of `fpm2afi top`, one at a time. */
export function terminalPage(lines: readonly string[]): string {
  const body = lines.map(html).join('\n');
  return `<!doctype html><meta charset="utf-8"><style>${PAGE}</style><pre>${body}</pre>`;
}

function html(line: string): string {
  let style = '';
  return line
    .split(ESCAPE)
    .map((part, i) => {
      if (i % 2 === 0) return part === '' ? '' : `<span style="${style}">${escape(part)}</span>`;
      style = STYLES[part] ?? '';
      return '';
    })
    .join('');
}

function escape(text: string): string {
  return text.replace(/[&<>]/g, (char) => `&#${char.charCodeAt(0)};`);
}
