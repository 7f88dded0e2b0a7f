// Certificates of the services, from the keys `crt`, `key` and `pem` (a chain). Reloads a renewed pair without a
// restart; an incomplete or invalid one is logged, and the last good one stays in use.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Clock, Log } from '../domain/shared/ports.ts';
import { describeReadError, messageOf, SwobError } from '../errors.ts';
import type { Certificate, CertificateSource } from '../http/certificate.ts';
import { readSmallFile, watchFiles } from './file-watcher.ts';
import type { Lifecycle } from './lifecycle.ts';

export interface TlsFiles {
  readonly crt: string;
  readonly key: string;
  readonly pem: string;
}

export type TlsSection = 'api_ssl' | 'websocket_ssl' | 'disconnect_ssl';

interface TlsContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly lifecycle: Pick<Lifecycle, 'defer'>;
}

const maxFileBytes = 1024 * 1024;
const dayMs = 86_400_000;
/** From this long before the certificate expires, a warning is logged once a day. */
const expiresSoonMs = 14 * dayMs;

/**
 * The certificate of a service; undefined when none is configured. Throws CONFIG when a file is missing, or when certificate
 * and key do not match. An expired certificate is accepted at the start, with a warning, but never replaces another.
 */
export async function watchCertificate(
  section: TlsSection,
  files: TlsFiles,
  { clock, log, lifecycle }: TlsContext,
): Promise<CertificateSource | undefined> {
  if (files.crt === '') return undefined;
  const subscribers: ((renewed: Certificate) => void)[] = [];
  let pair: Certificate | undefined;
  let leaf: X509Certificate | undefined;
  let warnedAt: number | undefined;

  const load = async (): Promise<boolean> => {
    if (leaf) warnOfExpiry(leaf);
    const renewed = await readPair(section, files);
    if (renewed.cert === pair?.cert && renewed.key === pair.key) return false;
    const renewedLeaf = checkPair(section, files, renewed);
    const problem = validityProblem(renewedLeaf, clock.now());
    if (pair && problem !== undefined) throw new Error(problem);
    for (const take of subscribers) take(renewed);
    [pair, leaf, warnedAt] = [renewed, renewedLeaf, undefined];
    warnOfExpiry(renewedLeaf);
    return true;
  };
  const warnOfExpiry = (certificate: X509Certificate): void => {
    const now = clock.monotonic();
    if (warnedAt !== undefined && now - warnedAt < dayMs) return;
    const problem = validityProblem(certificate, clock.now());
    if (problem === undefined && expiryOf(certificate) - clock.now() > expiresSoonMs) return;
    warnedAt = now;
    log.warn(
      { section, file: files.crt, expires: new Date(expiryOf(certificate)).toISOString() },
      problem ?? 'the certificate expires soon; renew it',
    );
  };

  const stop = await watchFiles({
    label: 'certificate',
    fields: { section, file: files.crt },
    load,
    clock,
    log,
  });
  lifecycle.defer(`certificate of [${section}]`, stop);
  return {
    get current() {
      // Safe cast: watchFiles has loaded it or thrown.
      return pair as Certificate;
    },
    onRenewed: (take) => void subscribers.push(take),
  };
}

async function readPair(section: TlsSection, files: TlsFiles): Promise<Certificate> {
  const read = async (name: keyof TlsFiles): Promise<string> => {
    try {
      return await readSmallFile(files[name], maxFileBytes);
    } catch (error) {
      throw new SwobError(
        'CONFIG',
        `[${section}] ${name}: cannot read ${files[name]}: ${describeReadError(error)}`,
      );
    }
  };
  const cert = [await read('crt'), files.pem === '' ? '' : await read('pem')].join('\n');
  return { cert, key: await read('key') };
}

/** @returns the service's own certificate, without the chain. Throws CONFIG when the files do not match. */
function checkPair(section: TlsSection, files: TlsFiles, { cert, key }: Certificate): X509Certificate {
  try {
    const [leaf] = certificatesIn(cert);
    if (leaf === undefined) throw new Error('they contain no PEM certificate');
    // OpenSSL accepts an empty key here, and fails when a client connects.
    if (!leaf.checkPrivateKey(createPrivateKey(key)))
      throw new Error('the key belongs to another certificate');
    createSecureContext({ cert, key });
    return leaf;
  } catch (error) {
    const named = [files.crt, files.key, files.pem].filter((file) => file !== '').join(' and ');
    throw new SwobError('CONFIG', `[${section}] ${named} cannot be used together: ${messageOf(error)}`);
  }
}

/** Every certificate of a PEM text. Throws for a truncated one, which OpenSSL ignores at the end of a file. */
function certificatesIn(text: string): X509Certificate[] {
  const begins = text.match(/-----BEGIN CERTIFICATE-----/g) ?? [];
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length < begins.length) throw new Error('a certificate is truncated');
  return blocks.map((block) => new X509Certificate(block));
}

const expiryOf = (certificate: X509Certificate): number => Date.parse(certificate.validTo);

function validityProblem({ validFrom, validTo }: X509Certificate, now: number): string | undefined {
  if (now > Date.parse(validTo)) return `the certificate expired on ${validTo}; renew it`;
  if (now < Date.parse(validFrom)) return `the certificate is not valid before ${validFrom}; check the clock`;
  return undefined;
}
