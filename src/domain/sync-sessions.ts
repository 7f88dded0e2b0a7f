// A socket's view of its session where the store is in the same process (or shared by all).

import { newSessionId } from '../crypto/random.ts';
import type { SessionStore, SyncSessions } from './ports.ts';

export function createSyncSessions(sessions: SessionStore, options: { production: boolean }): SyncSessions {
  return {
    attach: async (userId, sessionId) => {
      let session = await sessions.show(userId, sessionId);
      if (!session && !options.production) {
        // In testing the documented `…/init/111/000` works although nobody opened it.
        await sessions.open(userId, sessionId);
        session = await sessions.show(userId, sessionId);
      }
      return session ? { sessionId, state: session.state } : 'unknown';
    },
    rotate: async (userId, sessionId) => {
      const fresh = newSessionId();
      const outcome = await sessions.rotate(userId, sessionId, fresh);
      return outcome === 'rotated' ? { sessionId: fresh } : outcome;
    },
    end: async (userId, sessionId) => {
      const fresh = newSessionId();
      const outcome = await sessions.rotate(userId, sessionId, fresh);
      if (outcome === 'paused' || outcome === 'paired') return outcome;
      await sessions.remove(userId, fresh);
      return 'ended';
    },
  };
}
