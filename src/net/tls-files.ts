/**
 * Certificates and keys from PEM files, as TLS needs them. Files are read whenever they are asked for; what is wrong with one is told with
 * the setting that named it and what to do, as that is read by whoever installed it.
 */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { SecureContextOptions } from 'node:tls';
import { errorText, OperatorError } from './error-text';

/** A file, and the setting that names it, for messages: `afi.tls.key`, `--tls-key`. */
export interface PemFile {
  readonly setting: string;
  readonly path: string;
}

/** `ca`: who may have signed the other end's certificate. `identity`: this end's own. */
export interface TlsFiles {
  readonly ca?: PemFile;
  readonly identity?: { readonly cert: PemFile; readonly key: PemFile };
}

export interface LoadedTls {
  readonly options: Pick<SecureContextOptions, 'ca' | 'cert' | 'key'>;
  /** Why the other end won't take this end's certificate, as far as can be seen from here. */
  readonly doubt: string | undefined;
}

/** @throws OperatorError naming the file, what is wrong with it, and what to do */
export function loadTls({ ca, identity }: TlsFiles): LoadedTls {
  const authority = ca && read(ca);
  if (ca !== undefined) certificateIn(ca, authority!);
  if (identity === undefined) return { options: { ca: authority }, doubt: undefined };
  const [cert, key] = [read(identity.cert), read(identity.key)];
  const certificate = certificateIn(identity.cert, cert);
  if (!certificate.checkPrivateKey(keyIn(identity.key, key))) {
    throw wrong(
      identity.key,
      `is not the key of the certificate in ${identity.cert.setting} ${identity.cert.path}`,
      'give the two that belong together',
    );
  }
  return { options: { ca: authority, cert, key }, doubt: doubtOf(identity.cert, certificate) };
}

/** Changes whenever one of the files is written or replaced; files that can't be looked at count as their error. */
export function stampOf({ ca, identity }: TlsFiles): string {
  return [ca, identity?.cert, identity?.key]
    .map((file) => {
      if (file === undefined) return '';
      try {
        const { ino, size, mtimeNs } = statSync(file.path, { bigint: true });
        return `${ino}/${size}/${mtimeNs}`;
      } catch (error) {
        return errorText(error);
      }
    })
    .join(' ');
}

function doubtOf({ setting, path }: PemFile, { validFrom, validTo }: X509Certificate): string | undefined {
  const now = Date.now();
  if (Date.parse(validTo) < now)
    return `${setting} ${path} has expired on ${validTo}: renew it, or set the clock of this machine`;
  if (Date.parse(validFrom) > now)
    return `${setting} ${path} is not valid before ${validFrom}: set the clock of this machine`;
  return undefined;
}

function wrong({ setting, path }: PemFile, what: string, remedy: string, cause?: unknown): OperatorError {
  return new OperatorError(`${setting} ${path} ${what}: ${remedy}`, { cause });
}

function read(file: PemFile): Buffer {
  try {
    return readFileSync(file.path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw wrong(file, 'does not exist', 'put it there, or correct the path', error);
    if (code === 'EACCES' || code === 'EPERM') {
      const who = `uid ${process.geteuid!()}`;
      throw wrong(
        file,
        `may not be read by ${who}`,
        'give it to that user or to a group of it (chown, chmod 640)',
        error,
      );
    }
    throw wrong(file, `can't be read (${errorText(error)})`, 'correct the path', error);
  }
}

function certificateIn(file: PemFile, pem: Buffer): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw wrong(file, 'holds no certificate', 'give a file in PEM, with -----BEGIN CERTIFICATE-----', error);
  }
}

function keyIn(file: PemFile, pem: Buffer): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    const remedy = 'give a file in PEM, with -----BEGIN PRIVATE KEY-----, and without a passphrase';
    throw wrong(file, 'holds no private key that can be used', remedy, error);
  }
}
