// Ends the connections of a server: it accepts no new ones, and closes each open one after its next response, so that
// no request meets a closing connection. Used by server.ts and the sync service.

import type { Server } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import type { Listener } from '../lib/listener.ts';
import type { TrackedSockets } from './track-sockets.ts';

/** Lets another process take over: open connections are still served. Resolves when all have ended. */
export function drain(server: Server, listener: Listener): Promise<void> {
  endAfterResponses(server);
  return listener.close();
}

/**
 * The first step of a stop; the caller then closes the idle connections. Requests that had arrived before have been read when it
 * resolves, so that their connections are not idle: closing one with an unread request resets it, and its client cannot know
 * whether the request was handled.
 */
export async function beginStop(server: Server, listener: Listener, sockets: TrackedSockets): Promise<void> {
  endAfterResponses(server);
  // The first may come before the event loop polls again.
  await setImmediate();
  await setImmediate();
  void listener.close();
  // Node does not count them as idle, and would wait for their first request.
  sockets.destroyUnused();
}

/** Before the handlers of the service, which may send the headers immediately. Added late, because it costs each request. */
function endAfterResponses(server: Server): void {
  server.prependListener('request', (_request, response) => {
    response.shouldKeepAlive = false;
  });
}
