/** Certificates for tests of TLS, made by openssl as an operator would make them. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** A folder with authorities and what they signed. */
export class Certificates {
  readonly folder = mkdtempSync(join(tmpdir(), 'fpm2afi-tls-'));
  private count = 0;

  path(name: string): string {
    return join(this.folder, name);
  }

  /** A CA; its certificate is `NAME.crt`. */
  authority(name: string): Identity {
    const [key, cert] = [this.path(`${name}.key`), this.path(`${name}.crt`)];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    this.openssl('req', '-x509', ...curve, '-keyout', key, '-out', cert, '-days', '3650', '-subj', `/CN=${name}`);
    return { cert, key };
  }

  /**
   * A certificate signed by an authority.
   * @param names what it is for, such as `DNS:vasic1,IP:127.0.0.1`
   * @param days from its date, which is ten days ago when negative
   */
  signed(by: Identity, names: string, days = 30): Identity {
    const base = this.path(`leaf${++this.count}`);
    const [key, request, cert, extensions] = [`${base}.key`, `${base}.csr`, `${base}.crt`, `${base}.ext`];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    this.openssl('req', ...curve, '-keyout', key, '-out', request, '-subj', '/CN=leaf');
    writeFileSync(extensions, `subjectAltName=${names}\n`);
    const signers = ['-CA', by.cert, '-CAkey', by.key, '-CAcreateserial'];
    // `x509 -days` with a negative number gives one whose end is in the past.
    this.openssl(
      'x509',
      '-req',
      '-in',
      request,
      ...signers,
      '-days',
      String(days),
      '-extfile',
      extensions,
      '-out',
      cert,
    );
    return { cert, key };
  }

  /** Puts an identity where another one is, as a renewal does. */
  replace(old: Identity, by: Identity): void {
    copyFileSync(by.key, old.key);
    copyFileSync(by.cert, old.cert);
  }

  close(): void {
    rmSync(this.folder, { recursive: true });
  }

  private openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  }
}
