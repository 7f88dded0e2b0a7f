// Builds the gateway from the configuration.

import { resolve } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { loadAdminToken } from '../../crypto/admin-token.ts';
import { loadServerKeys } from '../../crypto/server-keys.ts';
import type { Monitor } from '../../domain/monitoring/monitor.ts';
import type { MessageOverview } from '../../domain/outgoing/message-overview.ts';
import { createPairing } from '../../domain/pairing/pairing.ts';
import type { Bus } from '../../domain/pairing/ports.ts';
import { createPairings } from '../../domain/pairing/revocation.ts';
import { createSeedActivity } from '../../domain/seeds/seed-activity.ts';
import { createSeeds } from '../../domain/seeds/seeds.ts';
import { createMsisdnParser } from '../../domain/shared/identifiers.ts';
import type { NodeRequests } from '../../domain/shared/node-requests.ts';
import type { ServiceUrls } from '../../domain/shared/urls.ts';
import type { Store } from '../../domain/store.ts';
import type { AuditedDisconnects } from '../../domain/wifi/audit.ts';
import type { AuditTrail } from '../../domain/wifi/audit-trail.ts';
import { createGateway } from '../../gateway/server.ts';
import type { HttpServer } from '../../http/server.ts';
import { createTelecom } from '../../telecom/telecom.ts';
import { createUserApi } from '../../upstream/user-api.ts';
import { watchCertificate } from '../tls.ts';
import { buildClients } from './clients.ts';
import { buildConsole } from './console.ts';
import type { Runtime } from './context.ts';
import { createMonitoring, gatewayChecks } from './health.ts';
import { consoleMessaging } from './message-tools.ts';
import { buildMessaging } from './messaging.ts';
import { buildPairingPage } from './pairing-page.ts';
import { requireSameKeyPair } from './same-key-pair.ts';
import { telecomOptions } from './telecom.ts';

export interface GatewayParts {
  readonly store: Store;
  readonly bus: Bus;
  readonly addresses: ServiceUrls;
  /** What the console shows first. */
  readonly overview: Monitor['overview'];
  readonly messages: MessageOverview;
  readonly trail: AuditTrail;
  /** The disconnect service of this process; undefined when it runs none. */
  readonly disconnects: () => AuditedDisconnects | undefined;
  readonly nodes: NodeRequests;
}

export async function buildGateway(
  config: Config,
  runtime: Runtime,
  { store, bus, addresses, overview, messages, trail, disconnects, nodes }: GatewayParts,
): Promise<HttpServer> {
  const { clock, log } = runtime;
  const production = config.api.state === 'production';
  const telecom = createTelecom(telecomOptions(config));
  const keys = await loadServerKeys({
    publicKey: config.security.public_key_filepath,
    privateKey: config.security.private_key_filepath,
  });
  if (keys.generated) {
    // A wrong path of an existing pair looks like a first start, so tell the operator.
    log.warn(
      { file: resolve(config.security.private_key_filepath) },
      'created a new key pair, because there was none; if this gateway had one, restore its files or correct their paths in [security], and restart',
    );
  }
  await requireSameKeyPair(config, runtime, store, keys);
  const adminToken = await loadAdminToken(config.security.admin_token_filepath);
  const activity = createSeedActivity(clock, config.seeds.expiry);
  const seeds = createSeeds({
    store,
    clock,
    telecom,
    expiryMs: config.seeds.expiry,
    pingLimit: config.limits.pings,
    parseMsisdn: createMsisdnParser(config.api.state, telecom.normalise),
    ...(config.console.enabled && { onPing: activity.pinged }),
  });
  const { clients, reliability, seedTable, observer, startSchedule } = buildClients(config, runtime, {
    store,
    telecom,
    seeds,
    activity,
    share: nodes.share,
  });
  const messaging = await buildMessaging(config, runtime, { store, telecom, observer, share: nodes.share });
  const api = config.user_management_api;
  const pairing = runtime.metrics.pairing(
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
        clock,
      }),
      limits: config.limits,
      production,
    }),
  );
  const pairings = runtime.metrics.pairings(createPairings({ users: store.users, clock }));
  const server = await createGateway({
    ...messaging,
    outgoing: messaging.outgoing.requests,
    tracking: messaging.outgoing.tracking,
    outgoingHealth: messaging.outgoing.health,
    statusSecret: config.outgoing.status_secret,
    adminToken,
    twilioToken: config.twilio.auth_token,
    publicationTag: config.relay.tag,
    host: config.api.host,
    port: config.api.port,
    overloadGuard: runtime.overloadGuard,
    bodyBudget: runtime.bodyBudget,
    connectionLimiter: runtime.connectionLimiter,
    tls: await watchCertificate('api_ssl', config.api_ssl, runtime),
    state: config.api.state,
    origins: config.api.origins,
    trustedProxies: config.api.trusted_proxies,
    requestTimeoutMs: config.api.request_timeout,
    handlerTimeoutMs: slowestResponseMs(config) + 10_000,
    seedsEndpoint: config.seeds.api_endpoint,
    seedTokenSecret: config.seeds.token_secret,
    seeds,
    clients,
    reliability,
    pairing,
    pairings,
    monitoring: createMonitoring(config, runtime, 'gateway', gatewayChecks(config, store, messaging)),
    addresses,
    limits: store.limits,
    rateLimits: config.limits,
    publicKeyPem: keys.publicKeyPem,
    version: runtime.version,
    plugins: [
      ...buildConsole(config, runtime, {
        nodes,
        store,
        adminToken,
        overview,
        pairings,
        seedTable,
        seedExpiryMs: config.seeds.expiry,
        ...consoleMessaging(messaging, store, messages),
        wifi: { trail, disconnects },
      }),
      ...buildPairingPage(config, { pairing, addresses }),
    ],
    clock,
    log,
  });
  return {
    start: async () => {
      const port = await server.start();
      // Not earlier: a faulty configuration of another service must leave nothing started.
      messaging.start();
      startSchedule(messaging.outgoing.sendOwnSms);
      return port;
    },
    drain: server.drain,
    stop: (deadline) => {
      messaging.startNoDeliveries();
      messaging.publishing.respondNow();
      return server.stop(deadline);
    },
  };
}

/** The longest time that the upstream systems of one route may take together. */
function slowestResponseMs(config: Config): number {
  const { user_management_api: users, dev_api, backend_publisher: backend, publisher, broker } = config;
  const pairing = 2 * users.timeout;
  // The back end is called twice when its session cookie has expired; 15 s cover a busy pool of Publisher connections and
  // the time to send the request. Its response is waited for no longer than `answer_within`.
  const publishing = 2 * (dev_api.timeout + backend.timeout) + publisher.answer_within + 15_000;
  const outgoing = dev_api.timeout + 2 * broker.timeout;
  return Math.max(pairing, publishing, outgoing);
}
