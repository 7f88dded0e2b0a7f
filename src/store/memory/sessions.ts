// Sessions in memory. Used by the memory store and, because sessions are short-lived, by the lowdb store. No method awaits,
// so each one is atomic.

import type { Session, SessionPhone } from '../../domain/pairing/model.ts';
import type { SessionStore } from '../../domain/pairing/ports.ts';
import type { Clock } from '../../domain/shared/ports.ts';
import { SwobError } from '../../errors.ts';
import { createTtlCache } from '../../lib/ttl-cache.ts';
import type { StoreOptions } from '../options.ts';

/** `firstId` is the id under which the session was opened. */
type OpenSession = Session & { readonly firstId: string; readonly socketId: string | undefined };
type HeldSession = Session & { readonly state: 'paused' | 'paired'; readonly phone: SessionPhone };

/** Opening an open session again renews it; opening one that a phone holds changes nothing. */
export function createMemorySessions(clock: Clock, options: StoreOptions['sessions']): SessionStore {
  /** Maps the id under which a session was opened to its current one; outlives the session, unless that is evicted. */
  const successors = createTtlCache<string>(
    clock,
    options.openTtlMs + options.pausedTtlMs + options.pairedTtlMs,
  );
  const createBounded = () =>
    createTtlCache<OpenSession>(clock, options.openTtlMs, options.maxOpen, undefined, (evicted) =>
      successors.delete(keyOf(evicted.userId, evicted.firstId)),
    );
  const unattached = createBounded();
  /** Rotated last without a socket. Not among the unattached, so that a flood of new sessions evicts none that is shown. */
  const replaced = createBounded();
  const attached = createTtlCache<OpenSession>(clock, options.openTtlMs);
  const paused = createTtlCache<HeldSession>(clock, options.pausedTtlMs);
  const paired = createTtlCache<HeldSession>(clock, options.pairedTtlMs);

  const opened = (key: string): OpenSession | undefined =>
    unattached.get(key) ?? replaced.get(key) ?? attached.get(key);
  const heldByPhone = (key: string): HeldSession | undefined => paused.get(key) ?? paired.get(key);

  const foundBy = (key: string): string =>
    opened(key) || heldByPhone(key) ? key : (successors.get(key) ?? key);
  const belongsToAnother = ({ socketId: owner }: OpenSession, socketId: string | undefined): boolean =>
    owner !== undefined && socketId !== undefined && owner !== socketId;
  const remove = (key: string): void => {
    for (const sessions of [unattached, replaced, attached, paused, paired]) sessions.delete(key);
  };

  return {
    open: async (userId, sessionId) => {
      const key = keyOf(userId, sessionId);
      if (heldByPhone(key)) return;
      const shown = attached.get(key);
      if (shown) return attached.set(key, shown);
      const known = replaced.get(key);
      if (known) return replaced.set(key, known);
      unattached.set(key, openSession({ userId, sessionId, firstId: sessionId, socketId: undefined }));
    },

    attach: async (userId, sessionId, socketId) => {
      const initialKey = keyOf(userId, sessionId);
      const key = foundBy(initialKey);
      const found = opened(key);
      if (!found) return publicOf(heldByPhone(key));
      unattached.delete(key);
      replaced.delete(key);
      const session = openSession({
        userId,
        // The strings of the socket, so that the equal ones of the request that opened the session are freed.
        sessionId: key === initialKey ? sessionId : found.sessionId,
        firstId: found.firstId === sessionId ? sessionId : found.firstId,
        socketId,
      });
      attached.set(key, session);
      return publicOf(session);
    },

    find: async (userId, sessionId) => {
      const key = foundBy(keyOf(userId, sessionId));
      return publicOf(opened(key) ?? heldByPhone(key));
    },

    get: async (userId, sessionId) => {
      const key = keyOf(userId, sessionId);
      return publicOf(opened(key) ?? heldByPhone(key));
    },

    rotate: async (userId, sessionId, newSessionId, socketId) => {
      const key = keyOf(userId, sessionId);
      const newKey = keyOf(userId, newSessionId);
      const session = opened(key);
      if (!session) return heldByPhone(key)?.state ?? 'unknown';
      if (belongsToAnother(session, socketId)) return 'kept';
      if (opened(newKey) || heldByPhone(newKey)) {
        throw new SwobError('CONFLICT', 'the new session id is in use; choose another one');
      }
      remove(key);
      const { firstId, socketId: owner } = session;
      const rotated = openSession({ userId, sessionId: newSessionId, firstId, socketId: owner });
      (socketId === undefined ? replaced : attached).set(newKey, rotated);
      successors.set(keyOf(userId, firstId), newKey);
      return 'rotated';
    },

    pause: async (userId, sessionId, phone) => {
      const key = keyOf(userId, sessionId);
      const holder = heldByPhone(key);
      if (holder) return holder.phone.publicKey === phone.publicKey ? 'paused' : 'taken';
      if (!opened(key)) return 'unknown';
      remove(key);
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

    remove: async (userId, sessionId) => remove(keyOf(userId, sessionId)),

    close: async (userId, sessionId, socketId) => {
      const key = keyOf(userId, sessionId);
      const session = opened(key);
      if (!session) return heldByPhone(key)?.state ?? 'unknown';
      if (belongsToAnother(session, socketId)) return 'kept';
      remove(key);
      return 'ended';
    },
  };
}

/** Not a spread where it is kept: on Node 20 each such copy would have a hidden class of its own, 300 bytes. */
function openSession({
  userId,
  sessionId,
  firstId,
  socketId,
}: Pick<OpenSession, 'userId' | 'sessionId' | 'firstId' | 'socketId'>): OpenSession {
  return { userId, sessionId, firstId, socketId, state: 'open' };
}

function publicOf(session: OpenSession | HeldSession | undefined): Session | undefined {
  if (!session) return undefined;
  const { userId, sessionId, state, phone } = session;
  return { userId, sessionId, state, ...(phone && { phone }) };
}

/** The length prefix distinguishes `a` + `bc` from `ab` + `c` for all ids. */
function keyOf(userId: string, sessionId: string): string {
  return `${userId.length}:${userId}${sessionId}`;
}
