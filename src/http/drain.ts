// Hands a server's clients over to another process: the server accepts no new connections, serves the open ones, and ends each
// after its next response, so that no request meets a closing connection. Used by server.ts and the sync service.

import type { Server as HttpServer } from 'node:http';
import { Server } from 'node:net';

/**
 * To be called once for a server, before it listens. @returns a function that begins to drain, and resolves when all
 * connections have ended
 */
export function makeDrainable(server: HttpServer): () => Promise<void> {
  let isDraining = false;
  // Before the handlers of the service, which may send the headers at once.
  server.prependListener('request', (_request, response) => {
    if (isDraining) response.shouldKeepAlive = false;
  });
  return () => {
    isDraining = true;
    // Not the server's own method, which ends idle connections immediately, also those on which a request is under way.
    return new Promise((resolve) => {
      Server.prototype.close.call(server, () => resolve());
    });
  };
}
