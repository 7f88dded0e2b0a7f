// Certificates as the old server's sections name them (crt, key and a chain in pem), kept up with their files:
// a renewed pair that is whole and valid is taken without a restart, with anything else the last good one stays.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Clock, Log } from '../domain/ports.ts';
import { messageOf, SwobError } from '../errors.ts';
import type { Certificate, CertificateSource } from '../http/certificate.ts';
import type { Lifecycle } from './lifecycle.ts';
import { readSmallFile, watchFiles } from './watched-files.ts';

export interface TlsFiles {
  readonly crt: string;
  readonly key: string;
  readonly pem: string;
}

export type TlsSection = 'api_ssl' | 'websocket_ssl' | 'disconnect_ssl';

interface TlsWorld {
  readonly clock: Clock;
  readonly log: Log;
  readonly lifecycle: Pick<Lifecycle, 'defer'>;
}

const maxFileBytes = 1024 * 1024;
const dayMs = 86_400_000;
/** An operator is told this long before the certificate in use expires, once a day. */
const expiresSoonMs = 14 * dayMs;

/**
 * The certificate of a service; undefined when none is configured. Throws CONFIG when a file is missing, or when
 * they do not go together. One that has expired is used at the start, with a warning, but takes no other's place.
 */
export async function watchCertificate(
  section: TlsSection,
  files: TlsFiles,
  { clock, log, lifecycle }: TlsWorld,
): Promise<CertificateSource | undefined> {
  if (files.crt === '') return undefined;
  const takers: ((renewed: Certificate) => void)[] = [];
  let pair: Certificate | undefined;
  let leaf: X509Certificate | undefined;
  let toldAt: number | undefined;

  const load = async (): Promise<boolean> => {
    if (leaf) tellOfExpiry(leaf);
    const fresh = await readPair(section, files);
    if (fresh.cert === pair?.cert && fresh.key === pair.key) return false;
    const found = checkPair(section, files, fresh);
    const problem = validityProblem(found, clock.now());
    if (pair && problem !== undefined) throw new Error(problem);
    for (const take of takers) take(fresh);
    [pair, leaf, toldAt] = [fresh, found, undefined];
    tellOfExpiry(found);
    return true;
  };
  const tellOfExpiry = (certificate: X509Certificate): void => {
    const now = clock.monotonic();
    if (toldAt !== undefined && now - toldAt < dayMs) return;
    const problem = validityProblem(certificate, clock.now());
    if (problem === undefined && endOf(certificate) - clock.now() > expiresSoonMs) return;
    toldAt = now;
    log.warn(
      { section, file: files.crt, expires: new Date(endOf(certificate)).toISOString() },
      problem ?? 'the certificate expires soon; renew it',
    );
  };

  const stop = await watchFiles({
    files: [files.crt, files.key, files.pem].filter((file) => file !== ''),
    what: 'certificate',
    fields: { section, file: files.crt },
    load,
    clock,
    log,
  });
  lifecycle.defer(`certificate of [${section}]`, stop);
  return {
    get current() {
      // Sound: watchFiles has loaded it, or thrown.
      return pair as Certificate;
    },
    onRenewed: (take) => void takers.push(take),
  };
}

async function readPair(section: TlsSection, files: TlsFiles): Promise<Certificate> {
  const read = async (name: keyof TlsFiles): Promise<string> => {
    try {
      return await readSmallFile(files[name], maxFileBytes);
    } catch (error) {
      throw new SwobError('CONFIG', `[${section}] ${name}: cannot read ${files[name]}: ${messageOf(error)}`);
    }
  };
  const cert = [await read('crt'), files.pem === '' ? '' : await read('pem')].join('\n');
  return { cert, key: await read('key') };
}

/** @returns the certificate that the service shows. Throws CONFIG when the files cannot be used together. */
function checkPair(section: TlsSection, files: TlsFiles, { cert, key }: Certificate): X509Certificate {
  try {
    const [leaf] = certificatesIn(cert);
    if (leaf === undefined) throw new Error('no certificate in PEM is in them');
    // OpenSSL does without an empty key, until somebody connects.
    if (!leaf.checkPrivateKey(createPrivateKey(key)))
      throw new Error('the key is that of another certificate');
    createSecureContext({ cert, key });
    return leaf;
  } catch (error) {
    const named = [files.crt, files.key, files.pem].filter((file) => file !== '').join(' and ');
    throw new SwobError('CONFIG', `[${section}] ${named} cannot be used together: ${messageOf(error)}`);
  }
}

/** Every certificate of a PEM text. Throws when one of them is cut short, which OpenSSL passes over at the end. */
function certificatesIn(text: string): X509Certificate[] {
  const begun = text.match(/-----BEGIN CERTIFICATE-----/g) ?? [];
  const whole = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (whole.length < begun.length) throw new Error('a certificate is cut short');
  return whole.map((block) => new X509Certificate(block));
}

const endOf = (certificate: X509Certificate): number => Date.parse(certificate.validTo);

function validityProblem({ validFrom, validTo }: X509Certificate, now: number): string | undefined {
  if (now > Date.parse(validTo)) return `the certificate has expired on ${validTo}; renew it`;
  if (now < Date.parse(validFrom)) return `the certificate is valid from ${validFrom} only; check the clock`;
  return undefined;
}
