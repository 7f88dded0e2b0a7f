// The gateway's HTTP server: the routes, with their limits, headers, errors and documentation.

import type { FastifyPluginAsync } from 'fastify';
import type { MessageAdmin } from '../domain/inbound/message-admin.ts';
import type { Publishing } from '../domain/inbound/publishing.ts';
import type { Outgoing } from '../domain/outgoing/outgoing.ts';
import type { OutgoingHealth } from '../domain/outgoing/routes-health.ts';
import type { Tracking } from '../domain/outgoing/tracking.ts';
import type { Pairing } from '../domain/pairing/pairing.ts';
import type { Pairings } from '../domain/pairing/revocation.ts';
import type { Clients } from '../domain/seeds/clients.ts';
import type { Reliability } from '../domain/seeds/reliability.ts';
import type { Seeds } from '../domain/seeds/seeds.ts';
import type { ApiState } from '../domain/shared/identifiers.ts';
import type { LimitStore } from '../domain/shared/ports.ts';
import type { ServiceUrls } from '../domain/shared/urls.ts';
import { addApiDocs } from '../http/api-docs/serve.ts';
import { addEarlyRateLimits } from '../http/early-rate-limits.ts';
import { addRootRoute, rootText } from '../http/root-route.ts';
import { createHttpServer, type HttpOptions, type HttpServer } from '../http/server.ts';
import { apiDescription, rootLines } from './api-description.ts';
import { addCors } from './cors.ts';
import { handleError, handleNotFound } from './error-handler.ts';
import { createIdentifierSchemas } from './identifier-schemas.ts';
import { earlyRateLimits, type GatewayRateLimits } from './rate-limits.ts';
import { clientRoutes } from './routes/clients.ts';
import { inboundRoutes } from './routes/inbound.ts';
import { messageAdminRoutes } from './routes/message-admin.ts';
import { outgoingRoutes } from './routes/outgoing.ts';
import { outgoingAdminRoutes } from './routes/outgoing-admin.ts';
import { outgoingStatusRoutes } from './routes/outgoing-status.ts';
import { pairingRoutes } from './routes/pairing.ts';
import { pairingAdminRoutes } from './routes/pairing-admin.ts';
import { publicationRoutes } from './routes/publications.ts';
import { seedRoutes } from './routes/seeds.ts';

export interface GatewayDeps extends Omit<HttpOptions, 'name'> {
  readonly state: ApiState;
  readonly origins: readonly string[];
  /** The `seeds_url` of responses; empty means /seeds of this gateway. */
  readonly seedsEndpoint: string;
  /** Empty: pings require no token. */
  readonly seedTokenSecret: string;
  readonly seeds: Seeds;
  readonly clients: Clients;
  readonly reliability: Reliability;
  readonly pairing: Pairing;
  readonly pairings: Pairings;
  readonly publishing: Publishing;
  readonly messageAdmin: MessageAdmin;
  /** Undefined when no broker is configured. */
  readonly outgoingHealth: (() => Promise<OutgoingHealth>) | undefined;
  readonly outgoing: Outgoing;
  readonly tracking: Tracking;
  /** Of the tokens of phones that report on SMS; empty: their reports are refused. */
  readonly statusSecret: string;
  /** For the admin routes. */
  readonly adminToken: string;
  /** Empty: requests from Twilio are rejected. */
  readonly twilioToken: string;
  /** The tag that publications of relays must have; empty: none. */
  readonly publicationTag: string;
  readonly addresses: ServiceUrls;
  readonly limits: LimitStore;
  readonly rateLimits: GatewayRateLimits;
  /** The server's public key, PEM. */
  readonly publicKeyPem: string;
  readonly version: string;
  /** Further routes, such as those of the console. */
  readonly plugins: readonly FastifyPluginAsync[];
}

export async function createGateway(deps: GatewayDeps): Promise<HttpServer> {
  const { app, server } = await createHttpServer({ ...deps, name: 'the gateway' }, handleError);
  app.setNotFoundHandler(handleNotFound);

  await addCors(app, deps.origins);
  addEarlyRateLimits(app, deps.limits, earlyRateLimits(deps.rateLimits));
  addApiDocs(app, apiDescription(deps.version), { error: handleError, notFound: handleNotFound });
  addRootRoute(app, rootText(deps.monitoring, rootLines));

  const ids = createIdentifierSchemas(deps.state);
  await app.register(seedRoutes, { seeds: deps.seeds, ids, tokenSecret: deps.seedTokenSecret });
  await app.register(clientRoutes, {
    clients: deps.clients,
    reliability: deps.reliability,
    addresses: deps.addresses,
    limits: deps.limits,
    lookupLimit: deps.rateLimits.lookups,
  });
  await app.register(pairingRoutes, {
    pairing: deps.pairing,
    addresses: deps.addresses,
    ids,
    publicKeyPem: deps.publicKeyPem,
    seedsEndpoint: deps.seedsEndpoint,
  });
  await app.register(inboundRoutes, {
    publishing: deps.publishing,
    addresses: deps.addresses,
    twilioToken: deps.twilioToken,
  });
  await app.register(publicationRoutes, {
    publishing: deps.publishing,
    tag: deps.publicationTag,
    limits: deps.limits,
    smsLimit: deps.rateLimits.sms,
  });
  await app.register(messageAdminRoutes, {
    messageAdmin: deps.messageAdmin,
    outgoingHealth: deps.outgoingHealth,
    adminToken: deps.adminToken,
    now: deps.clock.now,
  });
  await app.register(outgoingAdminRoutes, { tracking: deps.tracking, adminToken: deps.adminToken });
  await app.register(pairingAdminRoutes, {
    pairing: deps.pairing,
    pairings: deps.pairings,
    ids,
    adminToken: deps.adminToken,
    now: deps.clock.now,
  });
  await app.register(outgoingRoutes, { outgoing: deps.outgoing });
  await app.register(outgoingStatusRoutes, { tracking: deps.tracking, statusSecret: deps.statusSecret });
  for (const plugin of deps.plugins) await app.register(plugin);

  return server;
}
