// A socket's view of its session where the store is in the same process, or shared by all.

import { newSessionId } from '../crypto/random.ts';
import type { SessionStore, SyncSessions } from './ports.ts';

export function createSyncSessions(sessions: SessionStore, options: { production: boolean }): SyncSessions {
  return {
    attach: async (userId, openedWith, socketId) => {
      let session = await sessions.show(userId, openedWith, socketId);
      if (!session && !options.production) {
        // In testing the documented `…/init/111/000` works although nobody opened it.
        await sessions.open(userId, openedWith);
        session = await sessions.show(userId, openedWith, socketId);
      }
      return session ?? 'unknown';
    },
    rotate: async ({ userId, sessionId, openedWith, socketId }) => {
      const fresh = newSessionId();
      const outcome = await sessions.rotate(userId, sessionId, fresh, socketId);
      if (outcome === 'rotated') return { sessionId: fresh };
      if (outcome === 'paused' || outcome === 'paired') return outcome;
      // A page that lost its connection has come back over another socket, which rotates the session now; or the answer
      // to an earlier rotation of ours was lost.
      const session = await sessions.find(userId, openedWith);
      return session?.state === 'open' ? session : (session?.state ?? 'unknown');
    },
    look: async (userId, sessionId) => (await sessions.get(userId, sessionId))?.state ?? 'unknown',
    end: async ({ userId, sessionId, socketId }) => {
      const outcome = await sessions.end(userId, sessionId, socketId);
      return outcome === 'paused' || outcome === 'paired' ? outcome : 'ended';
    },
  };
}
