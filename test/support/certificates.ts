// Certificates for tests of TLS, made by openssl(1), and what a client sees of them.

import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type SecureVersion, type TLSSocket } from 'node:tls';
import { unbracketHost } from '../../src/lib/net.ts';
import { onEnd } from './teardown.ts';

export interface MadeCertificate {
  readonly crt: string;
  readonly key: string;
  /** As `peerOf` gives it. */
  readonly fingerprint: string;
}

/**
 * A self-signed certificate in `<folder>/<name>.crt` and `.key`: for an unused name, and for `address` if given.
 */
export function makeCertificate(folder: string, name: string, days = 90, address?: string): MadeCertificate {
  const [crt, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-days', String(days), '-subj', `/CN=${name}.example.org`, '-keyout', key, '-out', crt],
      ...(address === undefined ? [] : ['-addext', `subjectAltName=IP:${address}`]),
    ],
    { stdio: 'ignore' },
  );
  return { crt, key, fingerprint: new X509Certificate(readFileSync(crt)).fingerprint256 };
}

/** The fingerprint of the certificate on a new connection. Rejects when the handshake fails. */
export async function peerOf(url: string, maxVersion: SecureVersion = 'TLSv1.3'): Promise<string> {
  const socket = await openTls(url, maxVersion);
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

/** A TLS connection that stays open until the test ends. */
export function openTls(url: string, maxVersion: SecureVersion = 'TLSv1.3'): Promise<TLSSocket> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: unbracketHost(hostname),
      port: Number(port),
      rejectUnauthorized: false,
      minVersion: 'TLSv1',
      maxVersion,
      // OpenSSL's default level would refuse old versions before the server does.
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    onEnd(() => void socket.destroy());
    socket.once('secureConnect', () => resolve(socket));
    socket.on('error', reject);
  });
}
