/** The table of log codes as `fpm2afi log-codes` prints it, and as docs/messages.md has it. */
import { nearest } from '../config/nearest';
import { OperatorError } from '../net/error-text';
import { LOG_CODES, type LogCodeEntry } from '../observe/log-codes';

const entries = Object.entries<LogCodeEntry>(LOG_CODES);

/** All codes, or one. @throws OperatorError where there is no such code */
export function logCodesText(code?: string): string {
  const chosen = code === undefined ? entries : entries.filter(([name]) => name === code);
  if (code !== undefined && chosen.length === 0) {
    const meant = nearest(
      code,
      entries.map(([name]) => name),
    );
    const hint = meant === undefined ? '`fpm2afi log-codes` lists all' : `did you mean ${meant}?`;
    throw new OperatorError(`no code ${code}: ${hint}`);
  }
  return chosen.map(([name, { means, action }]) => `${name}\n  ${means}\n  ${action}\n`).join('\n');
}

/** The same as a table in Markdown. */
export function logCodesMarkdown(): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const rows = entries.map(([name, { means, action }]) => `| \`${name}\` | ${cell(means)} | ${cell(action)} |`);
  return ['| Code | What it means | What to do |', '| --- | --- | --- |', ...rows, ''].join('\n');
}
