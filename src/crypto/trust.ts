// TLS to a server whose certificate the configuration names. Used by the CLI, the bus and the upstreams.

import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { Agent } from 'node:https';
import { checkServerIdentity, rootCertificates } from 'node:tls';
import { messageOf, SwobError } from '../errors.ts';

export interface CertificateFiles {
  /** PEM files; `pem`, the chain, may be empty. */
  readonly crt: string;
  readonly pem: string;
}

/**
 * The certificate that the configuration names is the daemon's own: it is trusted whoever signed it and whatever
 * name it bears (a local call goes to 127.0.0.1). A renewed one is trusted with the next connection, and its
 * predecessor too, because the daemon may need a moment. Throws CONFIG when a file cannot be read at first.
 */
export function createTrustingAgent({ crt, pem }: CertificateFiles): Agent {
  const certificate = followFile(crt);
  const chain = pem === '' ? () => [] : followFile(pem);
  const agent = new Agent({
    checkServerIdentity: (host, peer) =>
      certificate().some((text) => text.includes(pemBody(peer.raw)))
        ? undefined
        : checkServerIdentity(host, peer),
  });
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) =>
    connect({ ...options, ca: [...rootCertificates, ...certificate(), ...chain()] }, callback);
  return agent;
}

function pemBody(der: Buffer): string {
  return (der.toString('base64').match(/.{1,64}/g) ?? []).join('\n');
}

/** @returns a function that gives the file's text, and the one before it, as the file is when it is called */
function followFile(file: string): () => string[] {
  let texts = [readCertificate(file)];
  let seen = versionOf(file);
  return () => {
    try {
      const version = versionOf(file);
      if (version !== seen) {
        const text = readCertificate(file);
        // Half a file has no certificate yet, and would make OpenSSL refuse all.
        new X509Certificate(text);
        texts = [text, ...texts].slice(0, 2);
        seen = version;
      }
    } catch {
      // The daemon keeps its last good certificate too, and says why.
    }
    return texts;
  };
}

function versionOf(file: string): string {
  const { ino, mtimeMs, size } = statSync(file);
  return `${ino} ${mtimeMs} ${size}`;
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
