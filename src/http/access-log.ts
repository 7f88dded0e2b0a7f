// The id of each request, and one log line about it: never its URL, which may hold a token. Used by server.ts; the sync
// service writes its lines in the same form.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../domain/ports.ts';
import { type Operations, probePathOf } from './operations.ts';
import { requestIdHeader } from './request-id.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Asked so often that a line each would say nothing: only at level debug, unless it fails.
     */
    quiet?: boolean;
  }
  interface FastifyRequest {
    /** Set where an error is answered that is not the caller's doing. */
    failure?: Failure;
  }
}

export interface Failure {
  /** For operators, without secrets. */
  readonly reason: string;
  readonly level: 'warn' | 'error';
}

export interface Served {
  readonly requestId: string;
  readonly method: string;
  /** The pattern; undefined when none matched. */
  readonly route: string | undefined;
  readonly status: number;
  readonly ms: number;
  readonly failure?: Failure | undefined;
  readonly quiet?: boolean | undefined;
}

/** 429 and 503 without a failure: we refuse in order to have less to do. */
const refusals = [429, 503];

/** As the failure says; debug for the quiet and for refusals, info for the rest. */
export function logServed(log: Log, { requestId, method, route, status, ms, failure, quiet }: Served): void {
  const fields = { requestId, method, route, status, ms: Math.round(ms * 10) / 10 };
  if (failure) log[failure.level]({ ...fields, error: failure.reason }, 'request failed');
  else if (quiet || refusals.includes(status)) log.debug(fields, 'request');
  else log.info(fields, 'request');
}

type AnswerError = (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/** Gives the answers of `app` their id, writes the lines, and counts what is no probe. Before all other hooks. */
export function logRequests(
  app: Pick<FastifyInstance, 'addHook'>,
  log: Log,
  count: Operations['served'],
): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header(requestIdHeader, request.id);
    done();
  });
  // Before the caller knows: whoever looks into the log for the reason finds it.
  app.addHook('onSend', (request, reply, _payload, done) => {
    if (request.failure) logServed(log, servedOf(request, reply));
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const served = servedOf(request, reply);
    if (!served.probe) count(served);
    if (!request.failure) logServed(log, served);
    done();
  });
}

/** The same for requests that no hook sees: their URL cannot be decoded. */
export function answerUnrouted(answer: AnswerError, log: Log): AnswerError {
  return (error, request, reply) => {
    reply.raw.once('finish', () => logServed(log, servedOf(request, reply)));
    return answer(error, request, reply.header(requestIdHeader, request.id));
  };
}

function servedOf(request: FastifyRequest, reply: FastifyReply): Served & { readonly probe: boolean } {
  const { id: requestId, method, failure } = request;
  // Made anew each time that it is read.
  const { url, config } = request.routeOptions;
  const probe = url === undefined ? probePathOf(method, request.url) : undefined;
  return {
    requestId,
    method,
    route: probe ?? url,
    status: reply.statusCode,
    ms: reply.elapsedTime,
    failure,
    quiet: probe !== undefined || config.quiet,
    probe: probe !== undefined,
  };
}
