// Where the client commands find a daemon: --url, else the configuration that the daemon itself runs on.
// Used by every command that calls one.

import type { Agent } from 'node:https';
import { isWildcard } from '../config/contradictions.ts';
import type { Config } from '../config/schema.ts';
import type { CertificateFiles } from '../crypto/trust.ts';
import { SwobError } from '../errors.ts';

export interface Daemon {
  /** Origin and base path without a slash at the end. */
  readonly baseUrl: string;
  /** For https, when the configuration names the certificate. */
  readonly agent?: Agent;
}

/** Throws USAGE when `url` is no http(s) URL, CONFIG when a certificate file cannot be read. */
export function findGateway(config: Config, url: string | undefined): Promise<Daemon> {
  return findDaemon(config.api, config.api_ssl, url);
}

/** The same for the sync websocket, which answers operators over plain HTTP. */
export function findSync(config: Config, url: string | undefined): Promise<Daemon> {
  return findDaemon(config.websocket, config.websocket_ssl, url);
}

/** The same for the disconnect service. */
export function findDisconnect(config: Config, url: string | undefined): Promise<Daemon> {
  return findDaemon(config.disconnect, config.disconnect_ssl, url);
}

interface Listener {
  readonly host: string;
  readonly port: number;
}

async function findDaemon(
  { host, port }: Listener,
  files: CertificateFiles,
  url: string | undefined,
): Promise<Daemon> {
  if (url !== undefined) {
    const baseUrl = httpUrl(url);
    const agent = baseUrl.startsWith('https:') ? await trustingAgent(files) : undefined;
    return { baseUrl, ...(agent && { agent }) };
  }
  const agent = await trustingAgent(files);
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
  const { createTrustingAgent } = await import('../crypto/trust.ts');
  return createTrustingAgent(files);
}
