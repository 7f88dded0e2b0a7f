// Hands a server's clients over to another process: the server accepts no new connections, serves the open ones, and ends each
// after its next response, so that no request meets a closing connection. Used by server.ts and the sync service.

import type { Server as HttpServer } from 'node:http';
import { Server } from 'node:net';

/** Begins to drain a server; resolves when all connections have ended. */
export function drain(server: HttpServer): Promise<void> {
  // Before the handlers of the service, which may send the headers at once. Added only now, because it costs each request.
  server.prependListener('request', (_request, response) => {
    response.shouldKeepAlive = false;
  });
  // Not the server's own method, which ends idle connections immediately, also those on which a request is under way.
  return new Promise((resolve) => {
    Server.prototype.close.call(server, () => resolve());
  });
}
