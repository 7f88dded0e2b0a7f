// What every HTTP service of ours has in common: bounds on time and size, headers, start and stop. The
// gateway and the disconnect service put their routes on it.

import { Server as TlsServer } from 'node:https';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { errorCodes, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Clock, Log } from '../domain/ports.ts';
import { answerUnrouted, logRequests } from './access-log.ts';
import { nameCallers } from './caller.ts';
import { type CertificateSource, followRenewals, tlsOptions } from './certificate.ts';
import { limitHandlers } from './handler-deadline.ts';
import { acceptQueue, listenError } from './listening.ts';
import type { Operations } from './operations.ts';
import { answerOperators } from './operator-routes.ts';
import type { Pressure } from './pressure.ts';
import { requestIdHeader, requestIdOf } from './request-id.ts';
import { trackSockets } from './sockets.ts';
import { answerUnparsable } from './unparsable.ts';

export interface HttpOptions {
  /** As messages call it: `the gateway`. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls: CertificateSource | undefined;
  /** Proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** For a client to send a whole request. */
  readonly requestTimeoutMs: number;
  /** For a handler to answer, calls to other systems included. */
  readonly handlerTimeoutMs: number;
  /** Bytes of a request's line and headers; Node's own default is 16 KiB. */
  readonly maxHeaderBytes?: number;
  /** Asked before the work of a request begins. */
  readonly pressure: Pressure;
  readonly clock: Clock;
  readonly log: Log;
  readonly operations: Operations;
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

/**
 * What matters for text and JSON that any page may ask for; others would be bytes on poor networks. Not by @fastify/helmet:
 * that makes its middlewares anew, and two promises, for each request.
 */
const securityHeaders = {
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'SAMEORIGIN',
};

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
      ? { https: { ...bounds, ...tlsOptions(options.tls, requestTimeoutMs) } }
      : { http: bounds }),
    bodyLimit,
    requestTimeout: requestTimeoutMs,
    connectionTimeout: handlerTimeoutMs + requestTimeoutMs,
    keepAliveTimeout: 30_000,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    trustProxy: options.trustedProxies.length > 0 ? [...options.trustedProxies] : false,
    // As long as Node lets a URL be: the schemas say what is too long, and 400 is the answer.
    routerOptions: { maxParamLength: maxHeaderBytes },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    genReqId: ({ headers }) => requestIdOf(headers[requestIdHeader]),
    frameworkErrors: answerUnrouted(answerError, options.log),
    clientErrorHandler: answerUnparsable,
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.setErrorHandler(answerError);
  if (options.tls && app.server instanceof TlsServer) followRenewals(app.server, options.tls);
  const dropSockets = trackSockets(app.server);
  nameCallers(app, options.log);
  logRequests(app, options.log, options.operations.served);
  answerOperators(app, options.operations);
  limitHandlers(
    app,
    handlerTimeoutMs,
    options.clock,
    () => new errorCodes.FST_ERR_HANDLER_TIMEOUT(String(handlerTimeoutMs)),
  );

  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(securityHeaders);
    done();
  });

  // After every onRequest hook, so that a refusal has the headers of other answers and web pages can read it; before
  // the body is taken in. Probes are registered already and stay out of it.
  app.addHook('preParsing', (_request, _reply, _payload, done) => {
    options.pressure.admit();
    done();
  });

  const server: HttpServer = {
    start: async () => {
      try {
        await app.listen({ host: options.host, port: options.port, backlog: acceptQueue });
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
