// What the sync websocket's port answers to plain HTTP: operators and balancers, and 426 to everybody else. Used by
// server.ts.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock, Log } from '../domain/ports.ts';
import { messageOf } from '../errors.ts';
import { type Failure, logServed } from '../http/access-log.ts';
import { answerProbe, type Operations, probePathOf } from '../http/operations.ts';
import { requestIdHeader, requestIdOf } from '../http/request-id.ts';

export interface PlainHttpDeps {
  readonly operations: Operations;
  readonly addressOf: (request: IncomingMessage) => string;
  readonly clock: Clock;
  readonly log: Log;
}

const plain = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' };

export function createPlainHttp(
  deps: PlainHttpDeps,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { operations, clock, log } = deps;
  const upgradeOnly = (response: ServerResponse): void => {
    response.writeHead(426, { ...plain, upgrade: 'websocket' }).end('this port speaks websocket only');
  };
  const probe = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = probePathOf(request.method, request.url);
    const answer =
      path &&
      (await answerProbe(operations, path, {
        address: deps.addressOf(request),
        peer: request.socket.remoteAddress,
        headers: request.headers,
      }));
    if (answer) response.writeHead(answer.status, answer.headers).end(answer.body);
    else upgradeOnly(response);
  };
  return (request, response) => {
    const requestId = requestIdOf(request.headers[requestIdHeader]);
    const since = clock.monotonic();
    let failure: Failure | undefined;
    response.setHeader(requestIdHeader, requestId);
    response.once('finish', () => {
      const { method = '' } = request;
      const route = probePathOf(method, request.url);
      const ms = clock.monotonic() - since;
      const quiet = route !== undefined;
      logServed(log, { requestId, method, route, status: response.statusCode, ms, failure, quiet });
    });
    probe(request, response).catch((error: unknown) => {
      failure = { reason: messageOf(error), level: 'error' };
      response.writeHead(500, plain).end('internal error');
    });
  };
}
