// Builds the gateway from the configuration.

import type { Config } from '../../config/schema.ts';
import { loadAdminToken } from '../../crypto/admin-token.ts';
import { loadServerKeys } from '../../crypto/keypair.ts';
import type { Addresses } from '../../domain/addresses.ts';
import { createPairing } from '../../domain/pairing.ts';
import type { Bus, Store } from '../../domain/ports.ts';
import { createSeeds } from '../../domain/seeds.ts';
import { createGateway } from '../../gateway/server.ts';
import type { HttpServer } from '../../http/server.ts';
import { createTelecom } from '../../telecom/telecom.ts';
import { createUserApi } from '../../upstream/users.ts';
import { watchCertificate } from '../tls.ts';
import { requireCommonKeys } from './common-keys.ts';
import { createOperations, gatewayChecks } from './health.ts';
import { buildMessaging } from './messaging.ts';
import type { Workshop } from './world.ts';

export interface GatewayParts {
  readonly store: Store;
  readonly bus: Bus;
  readonly addresses: Addresses;
}

export async function buildGateway(
  config: Config,
  world: Workshop,
  { store, bus, addresses }: GatewayParts,
): Promise<HttpServer> {
  const { clock, log } = world;
  const production = config.api.state === 'production';
  const telecom = createTelecom({ operatorsFile: config.seeds.operators_file });
  const keys = await loadServerKeys({
    publicKey: config.security.public_key_filepath,
    privateKey: config.security.private_key_filepath,
  });
  await requireCommonKeys(config, world, store, keys);
  const adminToken = await loadAdminToken(config.security.admin_token_filepath);
  const messaging = await buildMessaging(config, world, store, telecom);
  const api = config.user_management_api;
  const server = await createGateway({
    ...messaging,
    adminToken,
    twilioToken: config.twilio.auth_token,
    host: config.api.host,
    port: config.api.port,
    pressure: world.pressure,
    tls: await watchCertificate('api_ssl', config.api_ssl, world),
    state: config.api.state,
    origins: config.api.origins,
    trustedProxies: config.api.trusted_proxies,
    requestTimeoutMs: config.api.request_timeout,
    handlerTimeoutMs: slowestAnswerMs(config) + 10_000,
    seedsEndpoint: config.seeds.api_endpoint,
    seedTokenSecret: config.seeds.token_secret,
    seeds: createSeeds({
      store,
      clock,
      telecom,
      expiryMs: config.seeds.expiry,
      pingLimit: config.limits.pings,
      strict: production,
    }),
    pairing: world.instruments.pairing(
      createPairing({
        store,
        bus,
        clock,
        keys,
        users: createUserApi({
          apiUrl: api.api_url,
          verificationUrl: api.verification_url,
          platformsUrl: api.platforms_url,
          timeoutMs: api.timeout,
        }),
        limits: config.limits,
        production,
      }),
    ),
    operations: createOperations(
      config,
      world,
      'gateway',
      gatewayChecks(config, store, messaging.brokerState),
    ),
    addresses,
    publicKeyPem: keys.publicKeyPem,
    version: world.version,
    clock,
    log,
  });
  return {
    start: async () => {
      const port = await server.start();
      // Not before: what is wrong with another service is told with nothing started.
      messaging.start();
      return port;
    },
    stop: server.stop,
  };
}

/** How long the systems behind the slowest route may take together. */
function slowestAnswerMs(config: Config): number {
  const { user_management_api: users, dev_api, backend_publisher: backend, publisher, broker } = config;
  const pairing = 2 * users.timeout;
  // The back end is asked a second time when it wants us to sign in anew; the Publisher's pool may be busy.
  const publishing = 2 * (dev_api.timeout + backend.timeout) + publisher.timeout + 5_000;
  const outgoing = dev_api.timeout + 2 * broker.timeout;
  return Math.max(pairing, publishing, outgoing);
}
