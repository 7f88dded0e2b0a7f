// Responds to plain HTTP on the sync websocket's port: monitoring endpoints, `GET /`, and 426 for everything else. Used by
// server.ts.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock, Log } from '../domain/shared/ports.ts';
import { messageOf } from '../errors.ts';
import { logRequest, type RequestFailure } from '../http/access-log.ts';
import type { ConnectionLimiter } from '../http/connection-limiter.ts';
import { type Monitoring, monitoringPathOf, respondToMonitoring } from '../http/monitoring.ts';
import { discardBody } from '../http/read-body.ts';
import { requestIdHeader, requestIdOf } from '../http/request-id.ts';
import { rootText } from '../http/root-route.ts';
import { publicError } from './public-error.ts';

export interface HttpHandlerDeps {
  readonly monitoring: Monitoring;
  readonly connectionLimiter: ConnectionLimiter;
  readonly addressOf: (request: IncomingMessage) => string;
  readonly clock: Clock;
  readonly log: Log;
}

/** What the service is and where its endpoints are, for `GET /`. */
const rootLines = [
  'pairing of phones over a websocket that shows QR codes and reports when a phone has paired',
  'websocket: /v2/sync/init/<user>/<session>, as returned by the gateway for GET /v2/sync/users/<user>',
];

function isRoot({ method, url }: IncomingMessage): boolean {
  return (method === 'GET' || method === 'HEAD') && (url === '/' || url?.startsWith('/?') === true);
}

const plainTextHeaders = {
  'content-type': 'text/plain; charset=utf-8',
  'x-content-type-options': 'nosniff',
};

export function createHttpHandler(
  deps: HttpHandlerDeps,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { monitoring, clock, log } = deps;
  const root = rootText(monitoring, rootLines);
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = monitoringPathOf(request.method, request.url);
    const monitored =
      path &&
      (await respondToMonitoring(monitoring, path, {
        address: deps.addressOf(request),
        peer: request.socket.remoteAddress,
        headers: request.headers,
      }));
    if (monitored) response.writeHead(monitored.status, monitored.headers).end(monitored.body);
    else if (isRoot(request)) response.writeHead(200, plainTextHeaders).end(root);
    else {
      response
        .writeHead(426, { ...plainTextHeaders, upgrade: 'websocket' })
        .end('this port speaks websocket only');
    }
  };
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    // No handler reads the body, which would stay in memory until the response is sent.
    if (discardBody(request)) response.setHeader('connection', 'close');
    const requestId = requestIdOf(request.headers[requestIdHeader]);
    const client = deps.addressOf(request);
    const startedAt = clock.monotonic();
    let failure: RequestFailure | undefined;
    response.setHeader(requestIdHeader, requestId);
    response.once('finish', () => {
      deps.connectionLimiter.finishRequest(socket);
      const { method = '' } = request;
      const route = monitoringPathOf(method, request.url) ?? (isRoot(request) ? '/' : undefined);
      const ms = clock.monotonic() - startedAt;
      const quiet = route !== undefined;
      logRequest(log, { requestId, client, method, route, status: response.statusCode, ms, failure, quiet });
    });
    respond(request, response).catch((error: unknown) => {
      const { httpStatus, publicMessage, retryAfter } = publicError(error);
      failure = { reason: messageOf(error), level: 'error' };
      if (retryAfter !== undefined) response.setHeader('retry-after', retryAfter);
      response.writeHead(httpStatus, plainTextHeaders).end(publicMessage);
    });
  };
  return (request, response) => deps.connectionLimiter.startRequest(request, () => handle(request, response));
}
