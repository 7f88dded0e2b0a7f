// One log line a request, and its id in the response. Never the URL, which may hold a token. Used by server.ts; the sync
// service logs in the same form.

import proxyAddr from '@fastify/proxy-addr';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../domain/shared/ports.ts';
import { type Monitoring, monitoringPathOf } from './monitoring.ts';
import { requestIdHeader } from './request-id.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Logged at debug unless it fails: the route is called thousands of times a second. */
    quiet?: boolean;
  }
  interface FastifyRequest {
    /** Set by the error handler when the error is not the client's doing. */
    failure?: RequestFailure;
  }
}

export interface RequestFailure {
  /** For operators; holds no secrets. */
  readonly reason: string;
  readonly level: 'warn' | 'error';
}

export interface CompletedRequest {
  readonly requestId: string;
  /** The client's address, also behind trusted proxies; undefined when it disconnected before its address was read. */
  readonly client: string | undefined;
  readonly method: string;
  /** The route's pattern; undefined when no route matched. */
  readonly route: string | undefined;
  readonly status: number;
  readonly ms: number;
  readonly failure?: RequestFailure | undefined;
  readonly quiet?: boolean | undefined;
}

/** The text of the line of a request that failed; all such lines are logged. */
export const failureText = 'request failed';

/** Statuses that shed load: at info, each refused request would add to the load. */
const loadSheddingStatuses = [429, 503];

/** At the failure's level; at debug for quiet routes and shed load; at info otherwise. */
export function logRequest(
  log: Log,
  { requestId, client, method, route, status, ms, failure, quiet }: CompletedRequest,
): void {
  const fields = { requestId, client, method, route, status, ms: Math.round(ms * 10) / 10 };
  if (failure) log[failure.level]({ ...fields, error: failure.reason }, failureText);
  else if (quiet || loadSheddingStatuses.includes(status)) log.debug(fields, 'request');
  else log.info(fields, 'request');
}

export type ErrorHandler = (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/** Adds the id to each response, logs each request, and records those of routes. To be called before all other hooks. */
export function addAccessLog(
  app: Pick<FastifyInstance, 'addHook'>,
  log: Log,
  record: Monitoring['recordRequest'],
): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header(requestIdHeader, request.id);
    done();
  });
  // A failure is logged before the response is sent, so that its reason is in the log when the client reports it.
  app.addHook('onSend', (request, reply, _payload, done) => {
    if (request.failure) logRequest(log, completedRequest(request, reply));
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const completed = completedRequest(request, reply);
    if (!completed.isMonitoring) record(completed);
    if (!request.failure) logRequest(log, completed);
    done();
  });
}

/** Does the same for requests whose URL cannot be decoded: Fastify runs no hooks for them and ignores trusted proxies. */
export function createFrameworkErrorHandler(
  handleError: ErrorHandler,
  log: Log,
  trustedProxies: readonly string[],
): ErrorHandler {
  const isTrusted = proxyAddr.compile([...trustedProxies]);
  return (error, request, reply) => {
    const client = proxyAddr(request.raw, isTrusted);
    reply.raw.once('finish', () => logRequest(log, { ...completedRequest(request, reply), client }));
    return handleError(error, request, reply.header(requestIdHeader, request.id));
  };
}

function completedRequest(
  request: FastifyRequest,
  reply: FastifyReply,
): CompletedRequest & { readonly isMonitoring: boolean } {
  const { id: requestId, ip: client, method, failure } = request;
  // Read once: Fastify builds this object at each access.
  const { url, config } = request.routeOptions;
  const monitoringPath = url === undefined ? monitoringPathOf(method, request.url) : undefined;
  return {
    requestId,
    client,
    method,
    route: monitoringPath ?? url,
    status: reply.statusCode,
    ms: reply.elapsedTime,
    failure,
    quiet: monitoringPath !== undefined || config.quiet,
    isMonitoring: monitoringPath !== undefined,
  };
}
