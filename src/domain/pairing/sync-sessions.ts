// Sessions for the sync service on a store that is in this process or shared.

import { newSessionId } from '../../crypto/random.ts';
import { SwobError } from '../../errors.ts';
import type { SessionStore } from './ports.ts';
import type { SessionFailure, SyncSessions } from './sync-ports.ts';

export function createSyncSessions(sessions: SessionStore, options: { production: boolean }): SyncSessions {
  return {
    attach: unavailableAsValue(async (userId, openedWith, socketId) => {
      let session = await sessions.attach(userId, openedWith, socketId);
      if (!session && !options.production) {
        // In testing the documented URL `…/init/111/000` works without an open session.
        await sessions.open(userId, openedWith);
        session = await sessions.attach(userId, openedWith, socketId);
      }
      return session ?? 'unknown';
    }),
    rotate: unavailableAsValue(async ({ userId, sessionId, initialSessionId: openedWith, socketId }) => {
      const fresh = newSessionId();
      const outcome = await sessions.rotate(userId, sessionId, fresh, socketId);
      if (outcome === 'rotated') return { sessionId: fresh, state: 'open' };
      if (outcome === 'paused' || outcome === 'paired') return { sessionId, state: outcome };
      // The page has reconnected by another socket, which rotates the session now; or the response to our previous
      // rotation was lost.
      return (await sessions.find(userId, openedWith)) ?? 'unknown';
    }),
    stateOf: unavailableAsValue(
      async (userId, sessionId) => (await sessions.get(userId, sessionId))?.state ?? 'unknown',
    ),
    close: unavailableAsValue(async ({ userId, sessionId, initialSessionId: openedWith, socketId }) => {
      const outcome = await sessions.close(userId, sessionId, socketId);
      if (outcome === 'paused' || outcome === 'paired') return { sessionId, state: outcome };
      if (outcome !== 'unknown') return 'ended';
      // Another socket has rotated the session, and a phone may have taken it from that one.
      const session = await sessions.find(userId, openedWith);
      if (!session || session.state === 'open') return 'ended';
      return { sessionId: session.sessionId, state: session.state };
    }),
  };
}

/** Stores throw UNAVAILABLE, because most of their callers can only pass it on; a socket waits for the store. */
function unavailableAsValue<A extends unknown[], R>(
  operation: (...args: A) => Promise<R>,
): (...args: A) => Promise<R | SessionFailure> {
  return async (...args) => {
    try {
      return await operation(...args);
    } catch (error) {
      if (!(error instanceof SwobError) || error.code !== 'UNAVAILABLE') throw error;
      return { kind: 'unavailable', reason: error.message };
    }
  };
}
