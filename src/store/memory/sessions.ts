// Sessions and password claims in memory; used by the memory store and, sessions being short-lived, by
// the lowdb store. Bodies run without an await, so each method is atomic.

import type { Session, SessionPhone } from '../../domain/model.ts';
import type { Clock, SessionStore } from '../../domain/ports.ts';
import { SwobError } from '../../errors.ts';
import type { StoreOptions } from '../options.ts';
import { createExpiringMap } from './expiring-map.ts';

/** `firstId` is the id that it was opened with. */
type OpenSession = Session & { readonly firstId: string; readonly socketId?: string };
type HeldSession = Session & { readonly state: 'paused' | 'paired'; readonly phone: SessionPhone };

const claimTtlMs = 3_600_000;
const maxClaims = 100_000;

/** A session that is open twice is renewed; `open` leaves one that a phone holds as it is. */
export function createMemorySessions(clock: Clock, options: StoreOptions['sessions']): SessionStore {
  const fresh = createExpiringMap<OpenSession>(clock, options.openTtlMs, options.maxOpen);
  const shown = createExpiringMap<OpenSession>(clock, options.openTtlMs);
  const paused = createExpiringMap<HeldSession>(clock, options.pausedTtlMs);
  const paired = createExpiringMap<HeldSession>(clock, options.pairedTtlMs);
  /** From the id that a session was opened with to the one that it has now; outlives the session. */
  const successors = createExpiringMap<string>(
    clock,
    options.openTtlMs + options.pausedTtlMs + options.pairedTtlMs,
  );
  const claims = createExpiringMap<string>(clock, claimTtlMs, maxClaims);

  const opened = (key: string): OpenSession | undefined => fresh.get(key) ?? shown.get(key);
  const held = (key: string): HeldSession | undefined => paused.get(key) ?? paired.get(key);

  const foundBy = (key: string): string => (opened(key) || held(key) ? key : (successors.get(key) ?? key));
  const isAnothers = ({ socketId: shownBy }: OpenSession, socketId: string | undefined): boolean =>
    shownBy !== undefined && socketId !== undefined && shownBy !== socketId;
  const forget = (key: string): void => {
    for (const sessions of [fresh, shown, paused, paired]) sessions.delete(key);
  };

  return {
    open: async (userId, sessionId) => {
      const key = keyOf(userId, sessionId);
      if (held(key)) return;
      const session = { userId, sessionId, firstId: sessionId, state: 'open' } as const;
      const known = shown.get(key);
      if (known) shown.set(key, known);
      else fresh.set(key, session);
    },

    show: async (userId, sessionId, socketId) => {
      const key = foundBy(keyOf(userId, sessionId));
      const session = opened(key);
      if (!session) return publicOf(held(key));
      fresh.delete(key);
      shown.set(key, { ...session, socketId });
      return publicOf(session);
    },

    find: async (userId, sessionId) => {
      const key = foundBy(keyOf(userId, sessionId));
      return publicOf(opened(key) ?? held(key));
    },

    get: async (userId, sessionId) => {
      const key = keyOf(userId, sessionId);
      return publicOf(opened(key) ?? held(key));
    },

    rotate: async (userId, sessionId, newSessionId, socketId) => {
      const key = keyOf(userId, sessionId);
      const newKey = keyOf(userId, newSessionId);
      const session = opened(key);
      if (!session) return held(key)?.state ?? 'unknown';
      if (isAnothers(session, socketId)) return 'kept';
      if (opened(newKey) || held(newKey)) {
        throw new SwobError('CONFLICT', 'the new session id is in use; take another one');
      }
      forget(key);
      shown.set(newKey, { ...session, sessionId: newSessionId });
      successors.set(keyOf(userId, session.firstId), newKey);
      return 'rotated';
    },

    pause: async (userId, sessionId, phone) => {
      const key = keyOf(userId, sessionId);
      const holder = held(key);
      if (holder) return holder.phone.publicKey === phone.publicKey ? 'paused' : 'taken';
      if (!opened(key)) return 'unknown';
      forget(key);
      paused.set(key, { userId, sessionId, state: 'paused', phone });
      return 'paused';
    },

    complete: async (userId, sessionId) => {
      const key = keyOf(userId, sessionId);
      const session = paused.get(key);
      if (!session) return;
      paused.delete(key);
      paired.set(key, { ...session, state: 'paired' });
    },

    remove: async (userId, sessionId) => forget(keyOf(userId, sessionId)),

    end: async (userId, sessionId, socketId) => {
      const key = keyOf(userId, sessionId);
      const session = opened(key);
      if (!session) return held(key)?.state ?? 'unknown';
      if (isAnothers(session, socketId)) return 'kept';
      forget(key);
      return 'ended';
    },

    claimPassword: async (digest, fingerprint) => {
      const owner = claims.get(digest);
      if (owner === undefined) claims.set(digest, fingerprint);
      return owner === undefined || owner === fingerprint;
    },
  };
}

function publicOf(session: OpenSession | HeldSession | undefined): Session | undefined {
  if (!session) return undefined;
  const { userId, sessionId, state, phone } = session;
  return { userId, sessionId, state, ...(phone && { phone }) };
}

/** The length in front keeps `a` + `bc` apart from `ab` + `c`, whatever the two ids contain. */
function keyOf(userId: string, sessionId: string): string {
  return `${userId.length}:${userId}${sessionId}`;
}
