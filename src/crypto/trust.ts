// TLS to a server whose certificate the configuration names. Used by the CLI, the bus and the upstreams.

import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { checkServerIdentity, rootCertificates } from 'node:tls';
import { messageOf, SwobError } from '../errors.ts';

export interface CertificateFiles {
  /** PEM files; `pem`, the chain, may be empty. */
  readonly crt: string;
  readonly pem: string;
}

/**
 * The certificate that the configuration names is the daemon's own: it is trusted whoever signed it
 * and whatever name it bears (a local call goes to 127.0.0.1).
 */
export function createTrustingAgent(files: CertificateFiles): Agent {
  const certificate = readCertificate(files.crt);
  const chain = files.pem === '' ? [] : [readCertificate(files.pem)];
  return new Agent({
    ca: [...rootCertificates, certificate, ...chain],
    checkServerIdentity: (host, peer) =>
      certificate.includes(pemBody(peer.raw)) ? undefined : checkServerIdentity(host, peer),
  });
}

function pemBody(der: Buffer): string {
  return (der.toString('base64').match(/.{1,64}/g) ?? []).join('\n');
}

function readCertificate(file: string): string {
  try {
    return readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
  } catch (error) {
    throw new SwobError('CONFIG', `cannot read the certificate ${file}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
