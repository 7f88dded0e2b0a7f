// Reads the bodies of all HTTP services within one memory budget, and no body that no route takes. Used by server.ts; the
// services create their own content type parsers with `app.textBodyParser` and `app.jsonBodyParser`.

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { errorCodes, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { networkOf } from '../domain/shared/counted-keys.ts';
import { limitAddress } from '../domain/shared/rate-limiting.ts';
import { SwobError } from '../errors.ts';
import type { BodyFault } from '../lib/collect-bytes.ts';
import { jsonShape, maxJsonDepth } from '../lib/json.ts';
import { type BodyBudget, type BodyReservation, unmeteredBytes } from './body-budget.ts';
import { discardBody, readBody } from './read-body.ts';

type ParserDone = (error: Error | null, body?: unknown) => void;

type ParseText = (request: FastifyRequest, text: string, done: ParserDone) => void;

/** A content type parser of Fastify that gets the raw stream. */
type BodyParser = (request: FastifyRequest, payload: IncomingMessage, done: ParserDone) => void;

declare module 'fastify' {
  interface FastifyInstance {
    /** A content type parser that reads the body within the budget and passes it to `parse` as text. */
    textBodyParser(parse: ParseText): BodyParser;
    /** The same for JSON; bodies that are nested too deeply or parse to too much memory are rejected before `parse`. */
    jsonBodyParser(parse: ParseText): BodyParser;
  }
  interface FastifyRequest {
    /** Undefined without a body, or with a small one. */
    bodyReservation: BodyReservation | undefined;
  }
}

/** Far above what a request with 1,000 recipients has. A body of brackets alone would parse to a hundred times its size. */
const maxJsonValues = 20_000;
/** Memory for each value of parsed JSON; strings are counted by the length of the text. */
const bytesPerJsonValue = 48;

export function addBodyParsers(app: FastifyInstance, budget: BodyBudget): void {
  app.decorateRequest('bodyReservation', undefined);
  releaseReservations(app);

  // A body that no handler reads would stay in Node's buffers until the response is sent.
  app.addHook('onRequest', ({ method, raw }, reply, done) => {
    if ((method === 'GET' || method === 'HEAD') && discardBody(raw)) reply.header('connection', 'close');
    done();
  });

  const growReservation = (request: FastifyRequest, bytes: number): Error | undefined => {
    // Most bodies are small and need no reservation.
    if (bytes <= unmeteredBytes) return undefined;
    request.bodyReservation ??= budget.reserve(networkOf(limitAddress(request.ip), 48));
    return request.bodyReservation.grow(bytes);
  };
  const textBodyParser =
    (parse: ParseText): BodyParser =>
    (request, payload, done) => {
      const limit = request.routeOptions.bodyLimit;
      const contentLength = request.headers['content-length'];
      const declared = contentLength === undefined ? undefined : Number(contentLength);
      if (declared !== undefined && declared > limit)
        return done(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
      const grow = (bytes: number): Error | undefined => growReservation(request, bytes);
      readBody(payload, { limit, declared, grow }, (result) => {
        if (!Buffer.isBuffer(result)) return done(bodyError(result));
        parse(request, result.toString('utf8'), done);
      });
    };
  const jsonBodyParser = (parse: ParseText): BodyParser =>
    textBodyParser((request, text, done) => {
      const { depth, values } = jsonShape(text);
      if (depth > maxJsonDepth) return done(new errorCodes.FST_ERR_CTP_INVALID_JSON_BODY());
      if (values > maxJsonValues) return done(new SwobError('TOO_LARGE', 'body has too many values'));
      const budgetError = growReservation(request, 2 * text.length + values * bytesPerJsonValue);
      if (budgetError) return done(budgetError);
      parse(request, text, done);
    });
  app.decorate('textBodyParser', textBodyParser);
  app.decorate('jsonBodyParser', jsonBodyParser);

  // Fastify's own parsers keep every chunk of a body, whatever its size.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', jsonBodyParser(app.getDefaultJsonParser('error', 'error')));
  app.addContentTypeParser(
    'text/plain',
    textBodyParser((_request, text, done) => done(null, text)),
  );
}

/** Releases a reservation once the response is sent, also for a client that has disconnected: its handler keeps the body. */
function releaseReservations(app: FastifyInstance): void {
  /** Reservations of responses that are being sent. */
  const sending = new WeakMap<Socket, Set<BodyReservation>>();
  const releaseOnClose = (socket: Socket): Set<BodyReservation> => {
    const reservations = new Set<BodyReservation>();
    sending.set(socket, reservations);
    socket.once('close', () => {
      for (const reservation of reservations) reservation.release();
    });
    return reservations;
  };
  app.addHook('onSend', (request: FastifyRequest, _reply: FastifyReply, _payload, done) => {
    const { bodyReservation } = request;
    if (!bodyReservation) return done();
    const { socket } = request.raw;
    if (socket.destroyed) bodyReservation.release();
    else (sending.get(socket) ?? releaseOnClose(socket)).add(bodyReservation);
    done();
  });
  app.addHook('onResponse', (request, _reply, done) => {
    const { bodyReservation } = request;
    if (bodyReservation) {
      bodyReservation.release();
      sending.get(request.raw.socket)?.delete(bodyReservation);
    }
    done();
  });
}

function bodyError(fault: BodyFault | 'incomplete'): Error {
  switch (fault) {
    case 'too large':
      return new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE();
    case 'too many chunks':
      return new SwobError('TOO_LARGE', 'body sent in too many small chunks');
    case 'incomplete':
      return new errorCodes.FST_ERR_CTP_INVALID_CONTENT_LENGTH();
    default:
      return fault;
  }
}
