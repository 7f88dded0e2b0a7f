// The URLs of the services, from the configuration and the bound ports.

import { isWildcard, syncHost } from '../../config/cross-field.ts';
import type { Config } from '../../config/schema.ts';
import { type ServiceUrls, serviceUrl } from '../../domain/shared/urls.ts';
import { machineAddress } from '../machine-address.ts';
import type { ServiceName } from './context.ts';

/** URLs for clients, for services in another process, and as bound; `ports` is read on each call. */
export function serviceUrls(config: Config, ports: Record<ServiceName, number>) {
  const httpProtocol = config.api_ssl.crt === '' ? 'http' : 'https';
  const wsProtocol = config.websocket_ssl.crt === '' ? 'ws' : 'wss';
  const reachable = (host: string, instead: () => string): string => (isWildcard(host) ? instead() : host);
  const addresses = (gatewayHost: () => string, syncHostOf: () => string): ServiceUrls => ({
    gateway: () => serviceUrl(httpProtocol, gatewayHost(), ports.gateway),
    sync: () => serviceUrl(wsProtocol, syncHostOf(), ports.sync),
  });
  const local = () => '127.0.0.1';
  const direct = addresses(
    () => config.api.public_host || reachable(config.api.host, machineAddress),
    () => config.api.public_host || reachable(syncHost(config), machineAddress),
  );
  return {
    public: {
      gateway: () => config.api.public_url || direct.gateway(),
      sync: () => config.websocket.public_url || direct.sync(),
    } satisfies ServiceUrls,
    internal: addresses(
      () => reachable(config.api.host, local),
      () => reachable(config.websocket.host, local),
    ),
    bound: {
      gateway: () => serviceUrl(httpProtocol, config.api.host, ports.gateway),
      sync: () => serviceUrl(wsProtocol, config.websocket.host, ports.sync),
      disconnect: () =>
        serviceUrl(
          config.disconnect_ssl.crt === '' ? 'http' : 'https',
          config.disconnect.host,
          ports.disconnect,
        ),
    },
  };
}
