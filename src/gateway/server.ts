// The gateway's HTTP server: limits, headers, errors and documentation around the routes.

import swagger from '@fastify/swagger';
import type { Addresses } from '../domain/addresses.ts';
import type { ApiState } from '../domain/identifiers.ts';
import type { MessageDesk } from '../domain/message-desk.ts';
import type { Outgoing } from '../domain/outgoing.ts';
import type { Pairing } from '../domain/pairing.ts';
import type { Publishing } from '../domain/publishing.ts';
import type { Seeds } from '../domain/seeds.ts';
import { createHttpServer, type HttpOptions, type HttpServer } from '../http/server.ts';
import { answerError, answerNotFound } from './answer-error.ts';
import { allowOrigins } from './cors.ts';
import { serveDocs } from './docs.ts';
import { identifierSchemas } from './identifier-schemas.ts';
import { messageRoutes } from './routes/messages.ts';
import { outgoingRoutes } from './routes/outgoing.ts';
import { pairingRoutes } from './routes/pairings.ts';
import { publishRoutes } from './routes/publish.ts';
import { seedRoutes } from './routes/seeds.ts';
import { syncRoutes } from './routes/sync.ts';

export interface GatewayDeps extends Omit<HttpOptions, 'name'> {
  readonly state: ApiState;
  readonly origins: readonly string[];
  /** What `seeds_url` says; empty means /seeds of this gateway. */
  readonly seedsEndpoint: string;
  /** Empty: pings need no token. */
  readonly seedTokenSecret: string;
  readonly seeds: Seeds;
  readonly pairing: Pairing;
  readonly publishing: Publishing;
  readonly desk: MessageDesk;
  readonly outgoing: Outgoing;
  /** Of the operator, for the routes of messages. */
  readonly adminToken: string;
  /** Empty: nothing is taken from Twilio. */
  readonly twilioToken: string;
  readonly addresses: Addresses;
  /** The server's public key, PEM. */
  readonly publicKeyPem: string;
  readonly version: string;
}

export async function createGateway(deps: GatewayDeps): Promise<HttpServer> {
  const { app, server } = await createHttpServer({ ...deps, name: 'the gateway' }, answerError);
  app.setNotFoundHandler(answerNotFound);

  allowOrigins(app, deps.origins);
  await app.register(swagger, {
    openapi: {
      info: {
        title: 'swob gateway',
        version: deps.version,
        description: 'Seeds, pairing of phones, SMS in and out.',
      },
    },
  });
  serveDocs(app);

  const ids = identifierSchemas(deps.state);
  await app.register(seedRoutes, { seeds: deps.seeds, ids, tokenSecret: deps.seedTokenSecret });
  await app.register(syncRoutes, {
    pairing: deps.pairing,
    addresses: deps.addresses,
    ids,
    publicKeyPem: deps.publicKeyPem,
    seedsEndpoint: deps.seedsEndpoint,
  });
  await app.register(publishRoutes, {
    publishing: deps.publishing,
    addresses: deps.addresses,
    twilioToken: deps.twilioToken,
  });
  await app.register(messageRoutes, { desk: deps.desk, adminToken: deps.adminToken });
  await app.register(pairingRoutes, {
    pairing: deps.pairing,
    ids,
    adminToken: deps.adminToken,
    now: deps.clock.now,
  });
  await app.register(outgoingRoutes, { outgoing: deps.outgoing });

  return server;
}
