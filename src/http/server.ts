// What every HTTP service of ours has in common: bounds on time and size, headers, start and stop. The
// gateway and the disconnect service put their routes on it.

import helmet from '@fastify/helmet';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import type { Clock } from '../domain/ports.ts';
import { listenError } from './listen-error.ts';
import { trackSockets } from './sockets.ts';
import { answerUnparsable } from './unparsable.ts';

export interface HttpOptions {
  /** As messages call it: `the gateway`. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** Proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** For a client to send a whole request. */
  readonly requestTimeoutMs: number;
  /** For a handler to answer, calls to other systems included. */
  readonly handlerTimeoutMs: number;
  /** Bytes of a request's line and headers; Node's own default is 16 KiB. */
  readonly maxHeaderBytes?: number;
  readonly clock: Clock;
}

export interface HttpServer {
  /** Listens. @returns the port that is bound; throws UNAVAILABLE when it is taken, CONFIG when the address is not ours. */
  start(): Promise<number>;
  /** Takes no new requests, lets the running ones end, closes. */
  stop(): Promise<void>;
}

/** The largest body on routes that set no other limit. */
const bodyLimit = 16 * 1024;

const defaultHeaderBytes = 16 * 1024;

/** How long running requests may take when the service stops; the rest of its 10 s is for what comes after. */
const stopMs = 5_000;

/** `answerError` says what went wrong in the words of the service. */
export async function createHttpServer(
  options: HttpOptions,
  answerError: (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply,
) {
  const { requestTimeoutMs, handlerTimeoutMs, maxHeaderBytes = defaultHeaderBytes } = options;
  const bounds = {
    headersTimeout: requestTimeoutMs,
    // How often Node looks for requests that are late.
    connectionsCheckingInterval: Math.max(100, requestTimeoutMs / 4),
    maxHeaderSize: maxHeaderBytes,
  };
  const app = Fastify({
    // Fastify takes the options of one of the two servers only.
    ...(options.tls
      ? {
          https: {
            ...bounds,
            ...options.tls,
            handshakeTimeout: requestTimeoutMs,
            minVersion: 'TLSv1.2' as const,
          },
        }
      : { http: bounds }),
    bodyLimit,
    requestTimeout: requestTimeoutMs,
    handlerTimeout: handlerTimeoutMs,
    connectionTimeout: handlerTimeoutMs + requestTimeoutMs,
    keepAliveTimeout: 30_000,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    trustProxy: options.trustedProxies.length > 0 ? [...options.trustedProxies] : false,
    // As long as Node lets a URL be: the schemas say what is too long, and 400 is the answer.
    routerOptions: { maxParamLength: maxHeaderBytes },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    frameworkErrors: answerError,
    clientErrorHandler: answerUnparsable,
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.setErrorHandler(answerError);
  const dropSockets = trackSockets(app.server);

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

  const server: HttpServer = {
    start: async () => {
      try {
        await app.listen({ host: options.host, port: options.port });
      } catch (cause) {
        throw listenError(options.name, options.host, options.port, cause);
      }
      const address = app.server.address();
      return typeof address === 'object' && address ? address.port : options.port;
    },
    stop: async () => {
      const giveUp = options.clock.after(stopMs, dropSockets);
      await app.close();
      giveUp();
    },
  };
  return { app, server };
}
