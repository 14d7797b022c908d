/** The program as the build's clang compiled it, beside this file. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const OBJECT = join(__dirname, 'forward.bpf.o');

/** The compiled program. @throws Error with the remedy where the build had no clang */
export function readObject(): Buffer {
  try {
    return readFileSync(OBJECT);
  } catch (error) {
    throw new Error(`there is no ${OBJECT}: it was built without clang (install clang and libbpf-dev, npm run build)`, {
      cause: error,
    });
  }
}
