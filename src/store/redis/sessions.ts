// Sessions in Redis: one hash each, which expires by itself. All sessions of a user are in one slot.

import { createHash } from 'node:crypto';
import type { Session, SessionState } from '../../domain/pairing/model.ts';
import type { SessionStore } from '../../domain/pairing/ports.ts';
import { SwobError } from '../../errors.ts';
import type { StoreOptions } from '../options.ts';
import { encodeId, type KeySpace, type NowArgument, type ScriptRunner } from './script.ts';
import { scripts } from './session-scripts.ts';

/** Users are not spread evenly, so a small maximum could be reached in one slot while others are empty. */
const leastPerSlot = 100;

export interface RedisSessionsOptions {
  readonly redis: ScriptRunner;
  readonly keys: KeySpace;
  readonly now: NowArgument;
  /** Slots over which users are spread; more than one is useful in a cluster only. */
  readonly slots: number;
  readonly sessions: StoreOptions['sessions'];
}

export function createRedisSessions(options: RedisSessionsOptions): SessionStore {
  const { redis, keys, now, slots } = options;
  const { openTtlMs, pausedTtlMs, pairedTtlMs, maxOpen } = options.sessions;
  const successorTtlMs = openTtlMs + pausedTtlMs + pairedTtlMs;
  const maxPerSlot = slots === 1 ? maxOpen : Math.max(leastPerSlot, Math.ceil(maxOpen / slots));

  const slotOf = (userId: string): string =>
    slots === 1 ? 's' : `s${createHash('sha1').update(userId).digest().readUInt16BE() % slots}`;
  // The length prefix distinguishes `a` + `bc` from `ab` + `c`.
  const named = (kind: string, userId: string, sessionId: string): string =>
    keys.grouped(slotOf(userId), `${kind}:${userId.length}:${encodeId(`${userId}${sessionId}`)}`);
  const sessionKey = (userId: string, sessionId: string): string => named('session', userId, sessionId);
  const successorKey = (userId: string, sessionId: string): string => named('successor', userId, sessionId);
  /** The sets that have a maximum. */
  const bounded = (userId: string): readonly [unattached: string, replaced: string] => {
    const slot = slotOf(userId);
    return [keys.grouped(slot, 'unattached'), keys.grouped(slot, 'replaced')];
  };

  return {
    open: async (userId, sessionId) => {
      await redis.run(
        scripts.open,
        [sessionKey(userId, sessionId), ...bounded(userId)],
        [now(), openTtlMs, maxPerSlot, sessionId, successorKey(userId, sessionId)],
      );
    },

    attach: async (userId, sessionId, socketId) => {
      const names = [
        sessionKey(userId, sessionId),
        successorKey(userId, sessionId),
        ...bounded(userId),
      ] as const;
      return sessionOf(userId, await redis.run(scripts.show, names, [now(), openTtlMs, socketId]));
    },

    get: async (userId, sessionId) =>
      sessionOf(userId, await redis.run(scripts.get, [sessionKey(userId, sessionId)], [now()])),

    find: async (userId, sessionId) => {
      const names = [sessionKey(userId, sessionId), successorKey(userId, sessionId)];
      return sessionOf(userId, await redis.run(scripts.find, names, [now()]));
    },

    rotate: async (userId, sessionId, newSessionId, socketId = '') => {
      const names = [sessionKey(userId, sessionId), sessionKey(userId, newSessionId), ...bounded(userId)];
      const outcome = await redis.run(scripts.rotate, names, [
        now(),
        openTtlMs,
        successorTtlMs,
        newSessionId,
        socketId,
        maxPerSlot,
      ]);
      if (outcome === 'used') {
        throw new SwobError('CONFLICT', 'the new session id is in use; choose another one');
      }
      return oneOf(outcome, ['rotated', 'kept', 'paused', 'paired', 'unknown']);
    },

    pause: async (userId, sessionId, phone) => {
      const names = [sessionKey(userId, sessionId), ...bounded(userId)];
      const args = [now(), pausedTtlMs, phone.publicKey, phone.sharedKey];
      return oneOf(await redis.run(scripts.pause, names, args), ['paused', 'taken', 'unknown']);
    },

    complete: async (userId, sessionId) => {
      await redis.run(scripts.complete, [sessionKey(userId, sessionId)], [now(), pairedTtlMs]);
    },

    remove: async (userId, sessionId) => {
      await redis.run(scripts.remove, [sessionKey(userId, sessionId), ...bounded(userId)], [now()]);
    },

    close: async (userId, sessionId, socketId) => {
      const names = [sessionKey(userId, sessionId), ...bounded(userId)];
      const outcome = await redis.run(scripts.end, names, [now(), socketId]);
      return oneOf(outcome, ['ended', 'kept', 'paused', 'paired', 'unknown']);
    },
  };
}

const states: readonly SessionState[] = ['open', 'paused', 'paired'];

/** The reply of `attach`, `find` and `get`: id, state, public key, shared key; or nothing. */
function sessionOf(userId: string, reply: unknown): Session | undefined {
  if (reply === null || reply === undefined) return undefined;
  const [sessionId, state, publicKey, sharedKey]: unknown[] = Array.isArray(reply) ? reply : [];
  const known = states.find((each) => each === state);
  if (typeof sessionId !== 'string' || !known) throw unexpectedReply(reply);
  if (typeof publicKey !== 'string' || typeof sharedKey !== 'string')
    return { userId, sessionId, state: known };
  return { userId, sessionId, state: known, phone: { publicKey, sharedKey } };
}

function oneOf<const T extends string>(reply: unknown, values: readonly T[]): T {
  const found = values.find((value) => value === reply);
  if (found === undefined) throw unexpectedReply(reply);
  return found;
}

function unexpectedReply(reply: unknown): SwobError {
  return new SwobError('INTERNAL', `unexpected reply of type ${typeof reply} from a script of the store`);
}
