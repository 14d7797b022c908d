/** What capture.ts recorded from a real kernel. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

interface Fixture {
  readonly kernel: string;
  readonly captures: readonly { readonly command: string; readonly hex: string }[];
}

// From the compiled test to the source tree.
const file = resolve(__dirname, '../../../../test/fixtures/kernel/kernel.json');
const fixture = JSON.parse(readFileSync(file, 'utf8')) as Fixture;

/** The bytes that the kernel sent on this command. */
export function captured(command: string): Buffer {
  const capture = fixture.captures.find((each) => each.command === command);
  if (capture === undefined) throw new Error(`${file} has no capture of "${command}"`);
  return Buffer.from(capture.hex, 'hex');
}

/** Everything recorded, in order. */
export const allCaptures: readonly Buffer[] = fixture.captures.map((capture) => Buffer.from(capture.hex, 'hex'));
