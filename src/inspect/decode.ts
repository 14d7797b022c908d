/** `fpm2afi decode`: a file of any of the three formats, printed. */
import { Inspector } from './inspector';
import { openSource, SourceError } from './source';
import { jsonOf, textOf, totalsText } from './text';

export interface DecodeOptions {
  readonly port: number;
  readonly json: boolean;
  /** Only the first line of each message. */
  readonly brief: boolean;
}

/** Characters gathered before they are written. */
const PORTION = 16_384;

/** Prints what is in `file` (`-`: standard input) to `out`, and counts to `err`. Rejects with SourceError. */
export async function decode(
  file: string,
  options: DecodeOptions,
  out: NodeJS.WritableStream,
  err: NodeJS.WritableStream,
): Promise<void> {
  let text = '';
  const inspector = new Inspector((view) => {
    text += options.json ? jsonOf(view) : textOf(view, !options.brief);
  });
  const { format, events } = await openSource(file, options.port);
  for await (const event of events) {
    inspector.take(event);
    // A stream that is still being written (a pipe) shows what has come.
    if (text.length >= PORTION || file === '-') text = await write(out, text);
  }
  await write(out, text);
  if (format === 'stream' && inspector.totals.frames === 0) {
    const name = file === '-' ? 'standard input' : file;
    throw new SourceError(`${name} is no capture (pcap, pcapng), no recording, and has no FPM message in it`);
  }
  await write(err, `${format}: ${totalsText(inspector.totals)}`);
}

async function write(out: NodeJS.WritableStream, text: string): Promise<''> {
  if (text !== '' && !out.write(text)) await new Promise((resolve) => out.once('drain', resolve));
  return '';
}
