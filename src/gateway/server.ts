// The gateway's HTTP server: limits, headers, errors and documentation around the routes.

import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify from 'fastify';
import type { Addresses } from '../domain/addresses.ts';
import type { ApiState } from '../domain/identifiers.ts';
import type { Pairing } from '../domain/pairing.ts';
import type { Clock, Log } from '../domain/ports.ts';
import type { Seeds } from '../domain/seeds.ts';
import { messageOf, SwobError } from '../errors.ts';
import { answerError, answerUnparsable } from './answer-error.ts';
import { identifierSchemas } from './identifier-schemas.ts';
import { seedRoutes } from './routes/seeds.ts';
import { syncRoutes } from './routes/sync.ts';

export interface GatewayDeps {
  readonly host: string;
  readonly port: number;
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly state: ApiState;
  readonly origins: readonly string[];
  readonly trustedProxies: readonly string[];
  /** For a client to send a whole request. */
  readonly requestTimeoutMs: number;
  /** For a handler to answer, calls to other systems included. */
  readonly handlerTimeoutMs: number;
  /** What `seeds_url` says; empty means /seeds of this gateway. */
  readonly seedsEndpoint: string;
  /** Empty: pings need no token. */
  readonly seedTokenSecret: string;
  readonly seeds: Seeds;
  readonly pairing: Pairing;
  readonly addresses: Addresses;
  /** The server's public key, PEM. */
  readonly publicKeyPem: string;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Gateway {
  /** Listens. @returns the port that is bound; throws UNAVAILABLE when it is taken. */
  start(): Promise<number>;
  /** Takes no new requests, lets the running ones end, closes. */
  stop(): Promise<void>;
}

/** The largest body on routes that set no other limit. */
const bodyLimit = 16 * 1024;

/** How long running requests may take when the service stops; the rest of its 10 s is for what comes after. */
const stopMs = 5_000;

export async function createGateway(deps: GatewayDeps): Promise<Gateway> {
  const timeouts = {
    headersTimeout: deps.requestTimeoutMs,
    // How often Node looks for requests that are late.
    connectionsCheckingInterval: Math.max(100, deps.requestTimeoutMs / 4),
  };
  const app = Fastify({
    // Fastify takes the options of one of the two servers only.
    ...(deps.tls
      ? { https: { ...timeouts, ...deps.tls, minVersion: 'TLSv1.2' as const } }
      : { http: timeouts }),
    bodyLimit,
    requestTimeout: deps.requestTimeoutMs,
    handlerTimeout: deps.handlerTimeoutMs,
    connectionTimeout: deps.handlerTimeoutMs + deps.requestTimeoutMs,
    keepAliveTimeout: 30_000,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    trustProxy: deps.trustedProxies.length > 0 ? [...deps.trustedProxies] : false,
    // As long as Node lets a URL be: the schemas say what is too long, and 400 is the answer.
    routerOptions: { maxParamLength: 16 * 1024 },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    frameworkErrors: (error, request, reply) => answerError(deps.log, error, request, reply),
    clientErrorHandler: answerUnparsable,
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.setErrorHandler((error, request, reply) => answerError(deps.log, error, request, reply));
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).type('text/plain; charset=utf-8').send('not found'),
  );

  await app.register(helmet, {
    // What matters for text and JSON that any page may ask for; the other headers would be bytes on poor networks.
    contentSecurityPolicy: false,
    crossOriginOpenerPolicy: false,
    crossOriginResourcePolicy: false,
    originAgentCluster: false,
    strictTransportSecurity: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
  });
  await app.register(cors, {
    // Nothing here rests on cookies; credentials are allowed because the old server's web pages ask for them.
    origin: deps.origins.length > 0 ? [...deps.origins] : true,
    credentials: true,
    methods: ['GET', 'POST', 'PUT'],
    maxAge: 600,
  });
  await app.register(swagger, {
    openapi: {
      info: { title: 'swob gateway', version: deps.version, description: 'Seeds and pairing of phones.' },
    },
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });

  const ids = identifierSchemas(deps.state);
  await app.register(seedRoutes, { seeds: deps.seeds, ids, tokenSecret: deps.seedTokenSecret });
  await app.register(syncRoutes, {
    pairing: deps.pairing,
    addresses: deps.addresses,
    ids,
    publicKeyPem: deps.publicKeyPem,
    seedsEndpoint: deps.seedsEndpoint,
  });

  return {
    start: async () => {
      try {
        await app.listen({ host: deps.host, port: deps.port });
      } catch (error) {
        const where = `${deps.host}:${deps.port}`;
        throw new SwobError('UNAVAILABLE', `the gateway cannot listen on ${where}: ${messageOf(error)}`, {
          cause: error,
        });
      }
      const address = app.server.address();
      return typeof address === 'object' && address ? address.port : deps.port;
    },
    stop: async () => {
      const giveUp = deps.clock.after(stopMs, () => app.server.closeAllConnections());
      await app.close();
      giveUp();
    },
  };
}
