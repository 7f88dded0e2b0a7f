// Responds to errors with the short plain text that existing clients print.

import type { FastifyReply, FastifyRequest } from 'fastify';
import { messageOf, NotConfiguredError, SwobError } from '../errors.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The response text for a body that is not JSON; fixed by docs/protocol.md. */
    invalidJsonText?: string;
    /** The response texts for missing members, by their names. */
    missingMemberTexts?: Readonly<Record<string, string>>;
    /** Makes the body of an error response, which is JSON then; plain text when absent. */
    errorBody?: (text: string) => object;
  }
}

export function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, text, retryAfter } = toErrorResponse(error, request);
  // The overload guard logs an overload once, not for each request.
  const isOverload = error instanceof SwobError && error.code === 'OVERLOADED';
  const level = error instanceof NotConfiguredError ? 'warn' : 'error';
  if (status >= 500 && !isOverload) request.failure = { reason: messageOf(error), level };
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  // Fastify runs no hooks for a URL that cannot be decoded.
  reply.header('x-content-type-options', 'nosniff');
  // The rest of an unread body would be parsed as the next request.
  if (status === 413 || status === 415) reply.header('connection', 'close');
  const { errorBody } = request.routeOptions.config;
  if (errorBody) return reply.code(status).type('application/json; charset=utf-8').send(errorBody(text));
  return reply
    .code(status)
    .type('text/plain; charset=utf-8')
    .send(isNumberLookup(request) ? '' : text);
}

export function handleNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const text = isNumberLookup(request) ? '' : 'not found';
  return reply.code(404).type('text/plain; charset=utf-8').send(text);
}

/** As a path, as an absolute URL, which proxies send, or with the double slash of a base URL that ends with one. */
const numberLookup = /^(?:https?:\/\/[^/]+)?\/+seeds\//i;

/**
 * Whether the request is `GET /seeds/<IMSI>`, whose errors have no body: a gateway client keeps any body as its own number,
 * whatever the status. By the URL, because a request that was not decoded or admitted has no route.
 */
function isNumberLookup({ method, url }: FastifyRequest): boolean {
  return (method === 'GET' || method === 'HEAD') && numberLookup.test(url);
}

interface ErrorResponse {
  status: number;
  text: string;
  retryAfter?: number;
}

function toErrorResponse(error: unknown, request: FastifyRequest): ErrorResponse {
  if (error instanceof SwobError) {
    const text =
      error.code === 'INTERNAL' || error.code === 'CONFIG' ? 'internal error' : error.publicMessage;
    return {
      status: error.httpStatus,
      text,
      ...(error.retryAfter !== undefined && { retryAfter: error.retryAfter }),
    };
  }
  const { invalidJsonText, missingMemberTexts } = request.routeOptions.config;
  const fields = fastifyErrorFields(error);
  const invalid = fields.validation?.[0];
  if (invalid) {
    if (invalid.keyword === 'required') {
      const name = String(invalid.params.missingProperty);
      return { status: 400, text: missingMemberTexts?.[name] ?? `missing ${name}` };
    }
    const name = invalid.instancePath.slice(1) || 'body';
    return {
      status: 400,
      text: name === 'body' && invalidJsonText ? invalidJsonText : `${name} is not well formed`,
    };
  }
  switch (fields.code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return { status: 415, text: 'unsupported content type, application/json expected' };
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return { status: 413, text: 'body too large' };
    case 'FST_ERR_HANDLER_TIMEOUT':
      return { status: 503, text: 'timed out, try again', retryAfter: 5 };
  }
  const status = fields.statusCode ?? 500;
  if (status >= 500) return { status: 500, text: 'internal error' };
  return { status, text: invalidJsonText ?? messageOf(error) };
}

interface FastifyErrorFields {
  code?: string;
  statusCode?: number;
  validation?: { keyword: string; instancePath: string; params: Record<string, unknown> }[];
}

/** The members that Fastify adds to its errors; other errors have none of them. */
function fastifyErrorFields(error: unknown): FastifyErrorFields {
  return error instanceof Error ? (error as FastifyErrorFields) : {};
}
