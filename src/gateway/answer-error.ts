// Turns whatever went wrong into the short plain text that existing clients print.

import type { FastifyReply, FastifyRequest } from 'fastify';
import { messageOf, SwobError } from '../errors.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What this route says to a body that is no JSON; the contract's words. */
    badJson?: string;
    /** What it says when a member is missing, by the member's name. */
    missing?: Readonly<Record<string, string>>;
  }
}

const statusOfTimeout = 503;

export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, text, retryAfter } = describe(error, request);
  // Overload is told once, not once for each request.
  const overload = error instanceof SwobError && error.code === 'OVERLOADED';
  if (status >= 500 && !overload) request.failure = { reason: messageOf(error), level: 'error' };
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  // A URL that cannot be decoded gets here before the hook that sets it on every other answer.
  reply.header('x-content-type-options', 'nosniff');
  // A body that was not read to its end leaves the connection unusable.
  if (status === 413 || status === 415) reply.header('connection', 'close');
  return reply.code(status).type('text/plain; charset=utf-8').send(text);
}

/** To be set where no route matches. */
export function answerNotFound(_request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.code(404).type('text/plain; charset=utf-8').send('not found');
}

interface Answer {
  status: number;
  text: string;
  retryAfter?: number;
}

function describe(error: unknown, request: FastifyRequest): Answer {
  if (error instanceof SwobError) {
    const text = error.code === 'INTERNAL' || error.code === 'CONFIG' ? 'internal error' : error.forClients;
    return {
      status: error.http,
      text,
      ...(error.retryAfter !== undefined && { retryAfter: error.retryAfter }),
    };
  }
  const { badJson, missing } = request.routeOptions.config;
  const failure = asFailure(error);
  const invalid = failure.validation?.[0];
  if (invalid) {
    if (invalid.keyword === 'required') {
      const name = String(invalid.params.missingProperty);
      return { status: 400, text: missing?.[name] ?? `missing ${name}` };
    }
    const name = invalid.instancePath.slice(1) || 'body';
    return { status: 400, text: name === 'body' && badJson ? badJson : `${name} is not well formed` };
  }
  switch (failure.code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return { status: 415, text: 'unsupported content type, application/json expected' };
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return { status: 413, text: 'body too large' };
    case 'FST_ERR_HANDLER_TIMEOUT':
      return { status: statusOfTimeout, text: 'timed out, try again', retryAfter: 5 };
  }
  const status = failure.statusCode ?? 500;
  if (status >= 500) return { status: 500, text: 'internal error' };
  return { status, text: badJson ?? messageOf(error) };
}

interface Failure {
  code?: string;
  statusCode?: number;
  validation?: { keyword: string; instancePath: string; params: Record<string, unknown> }[];
}

/** Fastify's errors are plain Errors with these members; anything else has none of them. */
function asFailure(error: unknown): Failure {
  return error instanceof Error ? (error as Failure) : {};
}
