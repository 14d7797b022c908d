/** A program that is one report: it writes the report's file, says how it went, and ends with that as its exit status. */
import { errorText } from '../../src/net/error-text';
import { writeReport, type Report } from './report';

/** Prints a line. */
export const say = (line: string): void => void process.stdout.write(`${line}\n`);

/**
 * Exit status: 0 all checks ok, 1 not, or there was no report.
 * @param name what an error is said by @param out the report's file
 */
export function runReport(name: string, out: string, make: () => Promise<Report>): void {
  make().then(
    (report) => {
      writeReport(out, report);
      say(`\n${report.ok ? '✓' : '✗'} ${report.summary}\n  ${out}`);
      process.exit(report.ok ? 0 : 1);
    },
    (error: unknown) => {
      process.stderr.write(`${name}: ${errorText(error)}\n`);
      process.exit(1);
    },
  );
}
