/** Writing to standard output, no faster than it is read. */

/** Resolves when `out` takes more. */
export function write(out: NodeJS.WritableStream, text: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (text.length === 0 || out.write(text)) resolve();
    else out.once('drain', resolve);
  });
}
