// TLS to a server whose certificate the configuration names. Used by the CLI, the bus and the upstreams.

import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { Agent } from 'node:https';
import { type ConnectionOptions, checkServerIdentity, rootCertificates } from 'node:tls';
import { describeReadError, SwobError } from '../errors.ts';

export interface CertificateFiles {
  /** PEM files; `pem`, the chain, may be empty. */
  readonly crt: string;
  readonly pem: string;
}

/**
 * TLS options that trust the certificate that the configuration names. It is the daemon's own, so it is trusted
 * whatever its issuer and its names (a local request goes to 127.0.0.1). A renewed certificate is trusted from the
 * next connection on, and so is its predecessor, because the daemon may not have reloaded yet. Throws CONFIG when a
 * file cannot be read.
 */
export function trustCertificate({ crt, pem }: CertificateFiles): () => ConnectionOptions {
  const certificate = followFile(crt);
  const chain = pem === '' ? () => [] : followFile(pem);
  const options: ConnectionOptions = {
    checkServerIdentity: (host, peer) =>
      certificate().some((text) => text.includes(pemBody(peer.raw)))
        ? undefined
        : checkServerIdentity(host, peer),
  };
  return () => ({ ...options, ca: [...rootCertificates, ...certificate(), ...chain()] });
}

/** An agent for node:http and ws with the same trust. Throws CONFIG as `trustCertificate`. */
export function createTlsAgent(files: CertificateFiles): Agent {
  const trust = trustCertificate(files);
  const { checkServerIdentity } = trust();
  const agent = new Agent({ ...(checkServerIdentity && { checkServerIdentity }) });
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => connect({ ...options, ...trust() }, callback);
  return agent;
}

/** Trusts any certificate: only for requests that carry no secret, such as health checks. */
export function createInsecureTlsAgent(): Agent {
  return new Agent({ rejectUnauthorized: false });
}

function pemBody(der: Buffer): string {
  return (der.toString('base64').match(/.{1,64}/g) ?? []).join('\n');
}

/** @returns a function that returns the file's current text and the one before it */
function followFile(file: string): () => string[] {
  let texts = [readCertificate(file)];
  let seen = versionOf(file);
  return () => {
    try {
      const version = versionOf(file);
      if (version !== seen) {
        const text = readCertificate(file);
        // A file that is half written would make OpenSSL reject all certificates.
        new X509Certificate(text);
        texts = [text, ...texts].slice(0, 2);
        seen = version;
      }
    } catch {
      // Keep the last valid certificate, as the daemon does, which logs the reason.
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
    throw new SwobError('CONFIG', `cannot read the certificate ${file}: ${describeReadError(error)}`, {
      cause: error,
    });
  }
}
