// The disconnect service's HTTP server: accepts a token and responds {"success":…} as the old service did.
// docs/protocol.md, "Disconnect service".

import type { FastifyReply, FastifyRequest } from 'fastify';
import { findMemberError } from '../crypto/strict-json.ts';
import type { RateLimit } from '../domain/shared/model.ts';
import type { LimitStore } from '../domain/shared/ports.ts';
import type { AuditedDisconnects } from '../domain/wifi/audit.ts';
import type { DisconnectAuditStore } from '../domain/wifi/audit-model.ts';
import { disconnectError } from '../domain/wifi/disconnects.ts';
import type { Verdict } from '../domain/wifi/verification.ts';
import { type ErrorCode, messageOf, SwobError } from '../errors.ts';
import { addApiDocs } from '../http/api-docs/serve.ts';
import { type AddressRateLimit, addEarlyRateLimits } from '../http/early-rate-limits.ts';
import { addRootRoute, rootText } from '../http/root-route.ts';
import { createHttpServer, type HttpOptions, type HttpServer } from '../http/server.ts';
import { isObject } from '../lib/json.ts';
import {
  apiDescription,
  failureBody,
  getDocs,
  postDocs,
  rootLines,
  type SuccessBody,
  successBody,
} from './api-description.ts';
import { auditRoutes } from './audit-routes.ts';
import { extractToken } from './extract-token.ts';

export interface DisconnectDeps extends Omit<HttpOptions, 'name' | 'maxHeaderBytes'> {
  /** Sends 200 with every response, for portals that read only the body. */
  readonly legacyStatus: boolean;
  readonly disconnects: AuditedDisconnects;
  readonly audit: DisconnectAuditStore;
  /** Undefined where there is none, so that nobody can read the audit trail. */
  readonly adminToken: string | undefined;
  readonly limits: LimitStore;
  /** For requests from an address. */
  readonly callLimit: RateLimit;
}

/** A URL with an overlong token fits, so that the response is this service's JSON and not Node's. */
const maxHeaderBytes = 256 * 1024;

export async function createDisconnectServer(deps: DisconnectDeps): Promise<HttpServer> {
  const statusOf = (status: number): number => (deps.legacyStatus ? 200 : status);
  const handleError = createErrorHandler(statusOf);
  const { app, server } = await createHttpServer(
    { ...deps, name: 'the disconnect service', maxHeaderBytes },
    handleError,
  );
  const calls: AddressRateLimit = {
    keyOf: (address) => `disconnect:address:${address}`,
    rate: deps.callLimit,
    events: 'disconnects',
  };
  addEarlyRateLimits(app, deps.limits, { disconnects: calls });
  app.addHook('onRequest', (_request, reply, done) => {
    setSecurityHeaders(reply);
    done();
  });
  const handleNotFound = (_request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    reply.code(statusOf(404)).send(failureBody('NOT_FOUND', 'not found'));
  app.setNotFoundHandler(handleNotFound);
  const description = apiDescription(deps.monitoring.version, statusOf);
  addApiDocs(app, description, { error: handleError, notFound: handleNotFound });
  addRootRoute(app, rootText(deps.monitoring, rootLines));
  // Fastify's own parser lets the last of two tokens win.
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser(
    'application/json',
    app.jsonBodyParser((_request, text, done) => {
      const parsed = parseJson(text);
      if (parsed instanceof SwobError) done(parsed);
      else done(null, parsed);
    }),
  );
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    app.textBodyParser((_request, text, done) => done(null, new URLSearchParams(text))),
  );

  const readToken = (request: FastifyRequest): string => {
    try {
      rejectPrefetch(request);
      return extractToken(request);
    } catch (error) {
      deps.disconnects.recordMalformed(error, request.requestContext);
      throw error;
    }
  };
  const disconnect = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<SuccessBody | FastifyReply> => {
    const { requestContext } = request;
    const outcome = await deps.disconnects.disconnect(readToken(request), requestContext);
    if (outcome.kind === 'disconnected') return successBody(outcome);
    const verified = 'verified' in outcome ? outcome.verified : undefined;
    return handleError(disconnectError(outcome), request, reply, verified);
  };
  const commonSchema = {
    summary: 'Disconnect a Wi-Fi user',
    tags: ['disconnect'],
    security: [{}, { disconnectToken: [] }],
  };
  app.get(
    '/disconnect',
    {
      exposeHeadRoute: false,
      config: { earlyRateLimits: ['disconnects'], docs: getDocs },
      schema: { ...commonSchema, operationId: 'disconnect' },
    },
    disconnect,
  );
  app.post(
    '/disconnect',
    {
      config: { earlyRateLimits: ['disconnects'], docs: postDocs },
      schema: { ...commonSchema, operationId: 'postDisconnect' },
    },
    disconnect,
  );
  if (deps.adminToken !== undefined) {
    await app.register(auditRoutes, {
      audit: deps.audit,
      adminToken: deps.adminToken,
      // Scripts of operators rely on the status.
      handleError: createErrorHandler((status) => status),
    });
  }
  // HEAD and OPTIONS are safe methods, so they disconnect no user.
  app.route({
    method: ['HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE'],
    url: '/disconnect',
    schema: { hide: true },
    handler: (_request, reply) =>
      reply
        .header('allow', 'GET, POST')
        .code(statusOf(405))
        .send(failureBody('METHOD_NOT_ALLOWED', 'only GET and POST disconnect')),
  });
  return server;
}

/** @param statusOf maps a status to the one that is sent */
function createErrorHandler(statusOf: (status: number) => number) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply, verified?: Verdict): FastifyReply => {
    const { status, fail, code, retryAfter } = toErrorResponse(error);
    // A failing PCRF is logged at warn. With a Retry-After, the service itself shed the load, which is not a failure.
    if (status === 500) request.failure = { reason: messageOf(error), level: 'error' };
    else if (status > 500 && retryAfter === undefined) {
      request.failure = { reason: error instanceof SwobError ? error.message : fail, level: 'warn' };
    }
    if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
    // The rest of an unread body would be parsed as the next request.
    if (status === 413) reply.header('connection', 'close');
    return setSecurityHeaders(reply)
      .code(statusOf(status))
      .send(failureBody(code, fail, verified));
  };
}

/** A token in a URL must not stay in a cache or leak in a Referer. */
function setSecurityHeaders(reply: FastifyReply): FastifyReply {
  return reply.headers({
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
}

/** Browsers prefetch links before a click. */
function rejectPrefetch({ headers }: FastifyRequest): void {
  const purpose = [headers['sec-purpose'], headers.purpose, headers['x-moz'], headers['x-purpose']].join(' ');
  if (/prefetch|prerender|preview/i.test(purpose)) {
    throw new SwobError('FORBIDDEN', 'a prefetch disconnects no user');
  }
}

/** The parsed value, or the error to respond with when it is malformed or has duplicate members. */
function parseJson(text: string): unknown {
  const malformed = new SwobError('BAD_INPUT', 'request not well formed');
  try {
    const value: unknown = JSON.parse(text);
    return findMemberError(text) === undefined ? value : malformed;
  } catch {
    return malformed;
  }
}

interface ErrorResponse {
  readonly status: number;
  readonly code: ErrorCode;
  readonly fail: string;
  readonly retryAfter?: number;
}

function toErrorResponse(error: unknown): ErrorResponse {
  if (error instanceof SwobError && error.code !== 'INTERNAL') {
    const { httpStatus: status, code, publicMessage: fail, retryAfter } = error;
    return { status, code, fail, ...(retryAfter !== undefined && { retryAfter }) };
  }
  const invalid = invalidValueOf(error);
  if (invalid !== undefined) return { status: 400, code: 'BAD_INPUT', fail: `${invalid} is not well formed` };
  // The messages of Fastify's errors may quote the URL, and so the token.
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status === 413) return { status, code: 'TOO_LARGE', fail: 'body too large' };
  if (status === 415) {
    return { status, code: 'UNSUPPORTED_MEDIA', fail: 'unsupported content type; send JSON or a form' };
  }
  if (status === 503) return { status, code: 'UNAVAILABLE', fail: 'timed out, try again' };
  return status >= 400 && status < 500
    ? { status: 400, code: 'BAD_INPUT', fail: 'request not well formed' }
    : { status: 500, code: 'INTERNAL', fail: 'internal error' };
}

/** The name of the value that the schema of a route refuses. */
function invalidValueOf(error: unknown): string | undefined {
  const validation = error instanceof Error && 'validation' in error ? error.validation : undefined;
  const first: unknown = Array.isArray(validation) ? validation[0] : undefined;
  const path = isObject(first) ? first.instancePath : undefined;
  return typeof path === 'string' && path !== '' ? path.slice(1) : undefined;
}
