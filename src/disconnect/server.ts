// The disconnect service's HTTP server: takes a token, answers {"success":…} as the replaced service did.
// CONTRACT.md, "Disconnect service".

import type { FastifyReply, FastifyRequest } from 'fastify';
import { memberFault } from '../crypto/json-members.ts';
import type { Disconnects } from '../domain/disconnects.ts';
import { messageOf, SwobError } from '../errors.ts';
import { createHttpServer, type HttpOptions, type HttpServer } from '../http/server.ts';
import { tokenOf } from './token-of.ts';

export interface DisconnectDeps extends Omit<HttpOptions, 'name' | 'maxHeaderBytes'> {
  /** 200 for every answer, for portals that read the body only. */
  readonly legacyStatus: boolean;
  readonly disconnects: Disconnects;
}

/** Room for a URL with a token that is far too long, so that it is answered in our words and not by Node. */
const maxHeaderBytes = 256 * 1024;

export async function createDisconnectServer(deps: DisconnectDeps): Promise<HttpServer> {
  const statusOf = (status: number): number => (deps.legacyStatus ? 200 : status);
  const answerError = (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const { status, fail, retryAfter } = describe(error);
    // A no of the PCRF is no error of ours; and with a time to try again we refused it ourselves, which is no failure.
    if (status === 500) request.failure = { reason: messageOf(error), level: 'error' };
    else if (status > 500 && retryAfter === undefined) {
      request.failure = { reason: error instanceof SwobError ? error.message : fail, level: 'warn' };
    }
    if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
    // A body that was not read to its end leaves the connection unusable.
    if (status === 413) reply.header('connection', 'close');
    return guarded(reply).code(statusOf(status)).send({ success: false, fail });
  };
  const { app, server } = await createHttpServer(
    { ...deps, name: 'the disconnect service', maxHeaderBytes },
    answerError,
  );
  app.addHook('onRequest', (_request, reply, done) => {
    guarded(reply);
    done();
  });
  app.setNotFoundHandler((_request, reply) =>
    reply.code(statusOf(404)).send({ success: false, fail: 'not found' }),
  );
  // In place of Fastify's own, which lets the last of two tokens win.
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    const parsed = parseJson(String(body));
    if (parsed instanceof SwobError) done(parsed);
    else done(null, parsed);
  });
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => {
      // parseAs 'string' makes it one; the type does not know.
      done(null, new URLSearchParams(String(body)));
    },
  );

  const disconnect = async (request: FastifyRequest): Promise<{ success: true }> => {
    refusePrefetch(request);
    await deps.disconnects.disconnect(tokenOf(request), request.caller);
    return { success: true };
  };
  app.get('/disconnect', disconnect);
  app.post('/disconnect', disconnect);
  // HEAD and OPTIONS ask without wanting anything done: nobody is logged out by them.
  app.route({
    method: ['HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE'],
    url: '/disconnect',
    handler: (_request, reply) =>
      reply
        .header('allow', 'GET, POST')
        .code(statusOf(405))
        .send({ success: false, fail: 'only GET and POST disconnect' }),
  });
  return server;
}

/** A token in a URL must not linger in a cache or go on in a Referer. */
function guarded(reply: FastifyReply): FastifyReply {
  return reply.headers({
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
}

/** Browsers fetch links ahead of a click: that is no wish to be logged out. */
function refusePrefetch({ headers }: FastifyRequest): void {
  const purpose = [headers['sec-purpose'], headers.purpose, headers['x-moz'], headers['x-purpose']].join(' ');
  if (/prefetch|prerender|preview/i.test(purpose)) {
    throw new SwobError('FORBIDDEN', 'a prefetch logs nobody out');
  }
}

/** The value of a text that says everything once; else the error to answer. */
function parseJson(text: string): unknown {
  const malformed = new SwobError('BAD_INPUT', 'request not well formed');
  try {
    const value: unknown = JSON.parse(text);
    return memberFault(text) === undefined ? value : malformed;
  } catch {
    return malformed;
  }
}

interface Failure {
  readonly status: number;
  readonly fail: string;
  readonly retryAfter?: number;
}

function describe(error: unknown): Failure {
  if (error instanceof SwobError && error.code !== 'INTERNAL') {
    const { http: status, forClients: fail, retryAfter } = error;
    return { status, fail, ...(retryAfter !== undefined && { retryAfter }) };
  }
  // Fastify's errors are plain Errors with a status; their own words may quote the URL, and so the token.
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status === 413) return { status, fail: 'body too large' };
  if (status === 415) return { status, fail: 'unsupported content type; send JSON or a form' };
  return status >= 400 && status < 500
    ? { status: 400, fail: 'request not well formed' }
    : {
        status: status === 503 ? 503 : 500,
        fail: status === 503 ? 'timed out, try again' : 'internal error',
      };
}
