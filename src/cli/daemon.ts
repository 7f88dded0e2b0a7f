// Where the client commands find the gateway: --url, else the configuration that the daemon itself
// runs on. Used by the commands of seeds and sync.

import type { Agent } from 'node:https';
import { isWildcard } from '../config/contradictions.ts';
import type { Config } from '../config/schema.ts';
import { SwobError } from '../errors.ts';
import type { CertificateFiles } from './trust.ts';

export interface Daemon {
  /** Origin and base path without a slash at the end. */
  readonly baseUrl: string;
  /** For https, when the configuration names the certificate. */
  readonly agent?: Agent;
}

/** Throws USAGE when `url` is no http(s) URL, CONFIG when a certificate file cannot be read. */
export async function findGateway(config: Config, url: string | undefined): Promise<Daemon> {
  if (url !== undefined) return { baseUrl: httpUrl(url) };
  const { host, port } = config.api;
  const agent = await trustingAgent(config.api_ssl);
  const origin = `${agent ? 'https' : 'http'}://${bracketed(isWildcard(host) ? '127.0.0.1' : host)}:${port}`;
  return { baseUrl: origin, ...(agent && { agent }) };
}

function httpUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new SwobError('USAGE', `--url ${text}: expected a URL such as http://127.0.0.1:6969`);
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** For connections to a service of this configuration; undefined when that has no certificate. */
export async function trustingAgent(files: CertificateFiles): Promise<Agent | undefined> {
  if (files.crt === '') return undefined;
  // On its own: importing node:tls reads every root certificate, and most command lines need none.
  const { createTrustingAgent } = await import('./trust.ts');
  return createTrustingAgent(files);
}
