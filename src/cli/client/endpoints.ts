// Resolves the URL and TLS agent of a service: from --url, else from the configuration that the service itself uses.
// Used by every command that calls a service.

import type { Agent } from 'node:https';
import { isWildcard } from '../../config/cross-field.ts';
import type { Config } from '../../config/schema.ts';
import type { CertificateFiles } from '../../crypto/tls-agent.ts';
import { messageOf, SwobError } from '../../errors.ts';
import { bracketHost } from '../../lib/net.ts';
import { parseBaseUrl } from '../input/base-url.ts';
import { withoutCredentials } from '../input/without-credentials.ts';

export interface Endpoint {
  /** Origin and base path without a trailing slash. */
  readonly baseUrl: string;
  /** For https, when a certificate is configured. */
  readonly agent?: Agent;
}

/** Throws USAGE when `url` is not an http(s) URL, CONFIG when a certificate file cannot be read. */
export function gatewayEndpoint(config: Config, url: string | undefined): Promise<Endpoint> {
  return resolveEndpoint(config.api, config.api_ssl, url);
}

/** The same for the sync websocket, which serves its health over HTTP. */
export function syncEndpoint(config: Config, url: string | undefined): Promise<Endpoint> {
  return resolveEndpoint(config.websocket, config.websocket_ssl, url);
}

/** The same for the disconnect service. */
export function disconnectEndpoint(config: Config, url: string | undefined): Promise<Endpoint> {
  return resolveEndpoint(config.disconnect, config.disconnect_ssl, url);
}

interface Listener {
  readonly host: string;
  readonly port: number;
}

async function resolveEndpoint(
  { host, port }: Listener,
  files: CertificateFiles,
  url: string | undefined,
): Promise<Endpoint> {
  if (url !== undefined) {
    const baseUrl = requireBaseUrl(url);
    const agent = baseUrl.startsWith('https:') ? await trustingAgent(files) : undefined;
    return { baseUrl, ...(agent && { agent }) };
  }
  const agent = await trustingAgent(files);
  return { baseUrl: originOf({ host, port }, agent !== undefined), ...(agent && { agent }) };
}

function originOf({ host, port }: Listener, secure: boolean): string {
  return `${secure ? 'https' : 'http'}://${bracketHost(isWildcard(host) ? '127.0.0.1' : host)}:${port}`;
}

/** An endpoint for health checks. */
export interface HealthEndpoint extends Endpoint {
  /** How the running service differs from the configuration. */
  readonly note?: string;
}

/**
 * The configured endpoint of a service, and fallbacks for one that was started with another TLS configuration. Only for
 * requests that carry no secret, since the fallbacks verify no certificate.
 */
export async function healthEndpoints(
  listener: Listener,
  files: CertificateFiles,
): Promise<[HealthEndpoint, ...HealthEndpoint[]]> {
  const http: HealthEndpoint = { baseUrl: originOf(listener, false) };
  const { createInsecureTlsAgent } = await import('../../crypto/tls-agent.ts');
  const unchecked = (note: string): HealthEndpoint => ({
    baseUrl: originOf(listener, true),
    agent: createInsecureTlsAgent(),
    note,
  });
  if (files.crt === '') return [http, unchecked('it uses TLS, which is not configured here')];
  const plain = { ...http, note: `it does not use TLS, although ${files.crt} is configured` };
  try {
    const checked = { baseUrl: originOf(listener, true), agent: await trustingAgent(files) };
    const { agent } = checked;
    const others = [unchecked(`its certificate is not ${files.crt}, or is not valid now`), plain];
    return [{ baseUrl: checked.baseUrl, ...(agent && { agent }) }, ...others];
  } catch (error) {
    return [unchecked(`${messageOf(error)}; its identity was not verified`), plain];
  }
}

function requireBaseUrl(text: string): string {
  const baseUrl = parseBaseUrl(text);
  if (baseUrl !== undefined) return baseUrl;
  throw new SwobError(
    'USAGE',
    `--url ${withoutCredentials(text)}: expected a URL such as http://127.0.0.1:6969, without user, password and query`,
  );
}

/** An agent that trusts the configured certificate; undefined when none is configured. */
export async function trustingAgent(files: CertificateFiles): Promise<Agent | undefined> {
  if (files.crt === '') return undefined;
  // Imported on use: node:tls loads all root certificates, which most commands do not need.
  const { createTlsAgent } = await import('../../crypto/tls-agent.ts');
  return createTlsAgent(files);
}
