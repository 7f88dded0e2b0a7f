// The server of every HTTP service: bounds on time and size, headers, start and stop. The gateway and the disconnect service
// add their routes to it.

import { Server as TlsServer } from 'node:https';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { errorCodes, type FastifyInstance } from 'fastify';
import type { Clock, Log } from '../domain/shared/ports.ts';
import { type Deadline, noTimeLeft } from '../lib/deadline.ts';
import { addAccessLog, createFrameworkErrorHandler, type ErrorHandler } from './access-log.ts';
import type { BodyBudget } from './body-budget.ts';
import { addBodyParsers } from './body-parsers.ts';
import { applyRenewals, type CertificateSource, tlsOptions } from './certificate.ts';
import { handleClientError } from './client-error.ts';
import { compileSchemasOnFirstUse } from './compile-on-first-use.ts';
import type { ConnectionLimiter } from './connection-limiter.ts';
import { beginStop, drain } from './drain.ts';
import { addHandlerTimeout } from './handler-timeout.ts';
import { createServiceListener } from './listen.ts';
import type { Monitoring } from './monitoring.ts';
import { addMonitoringRoutes } from './monitoring-routes.ts';
import type { OverloadGuard } from './overload-guard.ts';
import { addRequestContext } from './request-context.ts';
import { requestIdHeader, requestIdOf } from './request-id.ts';
import { trackSockets } from './track-sockets.ts';

export interface HttpOptions {
  /** As error messages name it: `the gateway`. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls: CertificateSource | undefined;
  /** Proxies whose X-Forwarded-For is trusted. */
  readonly trustedProxies: readonly string[];
  /** For the client to send the whole request. */
  readonly requestTimeoutMs: number;
  /** For a handler to respond, including its calls to other systems. */
  readonly handlerTimeoutMs: number;
  /** Bytes of the request line and headers; 16 KiB when absent. */
  readonly maxHeaderBytes?: number;
  /** Shared by all services of the process, like `connectionLimiter` and `bodyBudget`. */
  readonly overloadGuard: OverloadGuard;
  readonly connectionLimiter: ConnectionLimiter;
  readonly bodyBudget: BodyBudget;
  readonly clock: Clock;
  readonly log: Log;
  readonly monitoring: Monitoring;
}

export interface HttpServer {
  /** @returns the bound port; throws UNAVAILABLE when it is in use, CONFIG when the address is not this machine's. */
  start(): Promise<number>;
  /** Accepts no new connections; resolves when the open ones have ended, each after its next response. */
  drain(): Promise<void>;
  /** Accepts no new requests and lets running ones end. @returns how many connections it closed at the deadline */
  stop(deadline?: Deadline): Promise<number>;
}

/** Bytes of a body, on routes without a limit of their own. */
const bodyLimit = 16 * 1024;

const defaultHeaderBytes = 16 * 1024;

/** The headers that matter for text and JSON. The other headers of @fastify/helmet are for pages, and bytes on slow networks. */
const securityHeaders = {
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'SAMEORIGIN',
};

/** `handleError` responds to errors in the format of the service. */
export async function createHttpServer(options: HttpOptions, handleError: ErrorHandler) {
  const { requestTimeoutMs, handlerTimeoutMs, maxHeaderBytes = defaultHeaderBytes } = options;
  const serverOptions = {
    headersTimeout: requestTimeoutMs,
    // How often Node checks for expired requests.
    connectionsCheckingInterval: Math.max(100, requestTimeoutMs / 4),
    maxHeaderSize: maxHeaderBytes,
  };
  const app = Fastify({
    // Fastify rejects options for both servers.
    ...(options.tls
      ? { https: { ...serverOptions, ...tlsOptions(options.tls, requestTimeoutMs) } }
      : { http: serverOptions }),
    bodyLimit,
    requestTimeout: requestTimeoutMs,
    connectionTimeout: handlerTimeoutMs + requestTimeoutMs,
    keepAliveTimeout: 30_000,
    forceCloseConnections: 'idle',
    // Its response is JSON for every route, and a gateway client would keep it as its own number.
    return503OnClosing: false,
    exposeHeadRoutes: true,
    trustProxy: options.trustedProxies.length > 0 ? [...options.trustedProxies] : false,
    // As long as a URL may be: the schemas limit parameters, with a 400.
    routerOptions: { maxParamLength: maxHeaderBytes },
    genReqId: ({ headers }) => requestIdOf(headers[requestIdHeader]),
    frameworkErrors: createFrameworkErrorHandler(handleError, options.log, options.trustedProxies),
    clientErrorHandler: handleClientError,
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.setErrorHandler(handleError);
  compileSchemasOnFirstUse(app);
  if (options.tls && app.server instanceof TlsServer) applyRenewals(app.server, options.tls);
  const listener = createServiceListener(app.server, options);
  const sockets = trackSockets(app.server);
  options.connectionLimiter.attach(app.server);
  trackRequests(app, options.connectionLimiter);
  addRequestContext(app, options.log);
  addAccessLog(app, options.log, options.monitoring.recordRequest);
  addBodyParsers(app, options.bodyBudget);
  addMonitoringRoutes(app, options.monitoring);
  addHandlerTimeout(
    app,
    handlerTimeoutMs,
    options.clock,
    () => new errorCodes.FST_ERR_HANDLER_TIMEOUT(String(handlerTimeoutMs)),
  );

  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(securityHeaders);
    done();
  });

  // After every onRequest hook, so that the 503 has their headers and web pages can read it; before the body is read. The
  // monitoring endpoints have responded by then.
  app.addHook('preParsing', (_request, _reply, _payload, done) => {
    options.overloadGuard.admit();
    done();
  });

  const server: HttpServer = {
    // Not `app.listen`: for `localhost` it makes further servers, to which none of the above is attached.
    start: async () => {
      await app.ready();
      return listener.start();
    },
    drain: () => drain(app.server, listener),
    stop: async (deadline = noTimeLeft) => {
      await beginStop(app.server, listener, sockets);
      const closed = Promise.all([app.close(), listener.close()]);
      const interrupted = (await deadline.settles(closed)) ? 0 : sockets.destroyAll();
      await closed;
      return interrupted;
    },
  };
  return { app, server };
}

/** To be called before all other hooks: a request that gets no response is not logged either. */
function trackRequests(app: Pick<FastifyInstance, 'addHook'>, limiter: ConnectionLimiter): void {
  app.addHook('onRequest', (request, _reply, done) => {
    limiter.startRequest(request.raw, done);
  });
  app.addHook('onResponse', (request, _reply, done) => {
    limiter.finishRequest(request.raw.socket);
    done();
  });
}
