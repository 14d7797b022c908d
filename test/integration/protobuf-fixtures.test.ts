/** The recorded protobuf frames are what Google's implementation makes of proto/ today (protobuf-compiler, python3-protobuf). */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '../../..');

test('made again, the frames are the same byte for byte', () => {
  const directory = mkdtempSync(join(tmpdir(), 'fpm2afi-protobuf-'));
  try {
    execFileSync('/usr/bin/python3', [join(ROOT, 'test/tools/make-protobuf-fixtures.py'), directory]);
    const [made, recorded] = [directory, join(ROOT, 'test/fixtures/protobuf')].map((where) => ({
      bytes: readFileSync(join(where, 'frames.bin')).toString('hex'),
      names: (JSON.parse(readFileSync(join(where, 'frames.json'), 'utf8')) as { frames: string[] }).frames,
    }));
    expect(made).toEqual(recorded);
    expect(made!.names.length).toBeGreaterThan(40);
  } finally {
    rmSync(directory, { recursive: true });
  }
}, 60_000);
