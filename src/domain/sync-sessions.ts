// A socket's view of its session where the store is in the same process (or shared by all).

import { newSessionId } from '../crypto/random.ts';
import type { SessionStore, SyncSessions } from './ports.ts';

export function createSyncSessions(sessions: SessionStore, options: { production: boolean }): SyncSessions {
  return {
    attach: async (userId, sessionId) => {
      // In testing the documented `…/init/111/000` works although nobody opened it.
      if (options.production && !(await sessions.get(userId, sessionId))) return 'unknown';
      // Renews an open one: it must live as long as it is shown, however late the page came.
      await sessions.open(userId, sessionId);
      const session = await sessions.get(userId, sessionId);
      return { sessionId, state: session?.state ?? 'open' };
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
