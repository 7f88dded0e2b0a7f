// Parses service names and resolves services to endpoints. Used by `serve`, `status`, `wait` and `doctor`.

import type { ServiceName } from '../../app/compose/context.ts';
import { allServices, defaultServices } from '../../app/default-services.ts';
import type { Config } from '../../config/schema.ts';
import { SwobError } from '../../errors.ts';
import {
  disconnectEndpoint,
  type Endpoint,
  gatewayEndpoint,
  type HealthEndpoint,
  healthEndpoints,
  syncEndpoint,
} from './endpoints.ts';

/** Throws USAGE for an unknown name. */
export function parseServiceName(word: string): ServiceName {
  const name = allServices.find((candidate) => candidate === word);
  if (!name)
    throw new SwobError('USAGE', `unknown service "${word}"; expected one of: ${allServices.join(', ')}`);
  return name;
}

/** The named services in the order of `allServices`; without names, those that `swob serve` runs. */
export async function selectServices(config: Config, words: readonly string[]): Promise<ServiceName[]> {
  const names = words.length > 0 ? new Set(words.map(parseServiceName)) : await defaultServices(config);
  return allServices.filter((name) => names.has(name));
}

export interface ServiceEndpoint extends Endpoint {
  /** Undefined for an endpoint from --url. */
  readonly name: ServiceName | undefined;
  /** Endpoints to try when this one does not respond as swob. */
  readonly fallbacks?: readonly HealthEndpoint[];
  readonly note?: string;
}

/**
 * The endpoints at these URLs; without URLs, those of the configuration. Throws USAGE for an invalid URL, and when a
 * configured port is 0.
 */
export async function resolveServices(
  config: Config,
  words: readonly string[],
  urls: readonly string[],
): Promise<ServiceEndpoint[]> {
  if (urls.length > 0) {
    if (words.length > 0) throw new SwobError('USAGE', 'give either service names or --url, not both');
    return Promise.all(urls.map((url) => endpointByUrl(config, url)));
  }
  const ports = { gateway: config.api.port, sync: config.websocket.port, disconnect: config.disconnect.port };
  const wanted = await selectServices(config, words);
  return Promise.all(
    wanted.map(async (name) => {
      if (ports[name] === 0) {
        throw new SwobError(
          'USAGE',
          `the port of ${name} is 0 in the configuration; pass its URL with --url`,
        );
      }
      const [first, ...fallbacks] = await healthEndpoints(...listenerOf(config, name));
      return { name, ...first, fallbacks };
    }),
  );
}

function listenerOf(config: Config, name: ServiceName): Parameters<typeof healthEndpoints> {
  switch (name) {
    case 'gateway':
      return [config.api, config.api_ssl];
    case 'sync':
      return [config.websocket, config.websocket_ssl];
    case 'disconnect':
      return [config.disconnect, config.disconnect_ssl];
  }
}

/** Picks the TLS configuration by port, because each service may have its own certificate. */
async function endpointByUrl(config: Config, given: string): Promise<ServiceEndpoint> {
  const url = given.replace(/^ws(s?):/, 'http$1:');
  const port = URL.canParse(url) ? Number(new URL(url).port) : Number.NaN;
  const find =
    port === config.websocket.port
      ? syncEndpoint
      : port === config.disconnect.port
        ? disconnectEndpoint
        : gatewayEndpoint;
  return { name: undefined, ...(await find(config, url)) };
}
