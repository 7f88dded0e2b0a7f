// Sessions in Redis: a hash each, gone by itself when its time is over. All of a user's are in one slot.

import { createHash } from 'node:crypto';
import type { Session, SessionState } from '../../domain/model.ts';
import type { SessionStore } from '../../domain/ports.ts';
import { SwobError } from '../../errors.ts';
import type { StoreOptions } from '../options.ts';
import { type KeySpace, type Redis, type Timed, timedScript, wellFormed } from './script.ts';
import { scripts } from './session-scripts.ts';

const claimTtlMs = 3_600_000;
/** Users are not spread evenly: a small bound would be reached in one slot while the others are empty. */
const leastPerSlot = 100;

export interface RedisSessionsOptions {
  readonly redis: Redis;
  readonly keys: KeySpace;
  readonly now: Timed;
  /** Slots that users are spread over: more than one makes sense in a cluster only. */
  readonly slots: number;
  readonly sessions: StoreOptions['sessions'];
}

export function createRedisSessions(options: RedisSessionsOptions): SessionStore {
  const { redis, keys, now, slots } = options;
  const { openTtlMs, pausedTtlMs, pairedTtlMs, maxOpen } = options.sessions;
  const successorTtlMs = openTtlMs + pausedTtlMs + pairedTtlMs;
  const maxFresh = slots === 1 ? maxOpen : Math.max(leastPerSlot, Math.ceil(maxOpen / slots));

  const slotOf = (userId: string): string =>
    slots === 1 ? 's' : `s${createHash('sha1').update(userId).digest().readUInt16BE() % slots}`;
  // The length in front keeps `a` + `bc` apart from `ab` + `c`.
  const named = (kind: string, userId: string, sessionId: string): string =>
    keys.together(slotOf(userId), `${kind}:${userId.length}:${wellFormed(`${userId}${sessionId}`)}`);
  const sessionKey = (userId: string, sessionId: string): string => named('session', userId, sessionId);
  const successorKey = (userId: string, sessionId: string): string => named('successor', userId, sessionId);
  const freshKey = (userId: string): string => keys.together(slotOf(userId), 'fresh');

  return {
    open: async (userId, sessionId) => {
      await redis.run(
        scripts.open,
        [sessionKey(userId, sessionId), freshKey(userId)],
        [now(), openTtlMs, maxFresh, sessionId, successorKey(userId, sessionId)],
      );
    },

    show: async (userId, sessionId, socketId) => {
      const names = [
        sessionKey(userId, sessionId),
        successorKey(userId, sessionId),
        freshKey(userId),
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
      const names = [sessionKey(userId, sessionId), sessionKey(userId, newSessionId), freshKey(userId)];
      const outcome = await redis.run(scripts.rotate, names, [
        now(),
        openTtlMs,
        successorTtlMs,
        newSessionId,
        socketId,
      ]);
      if (outcome === 'used') {
        throw new SwobError('CONFLICT', 'the new session id is in use; take another one');
      }
      return oneOf(outcome, ['rotated', 'kept', 'paused', 'paired', 'unknown']);
    },

    pause: async (userId, sessionId, phone) => {
      const names = [sessionKey(userId, sessionId), freshKey(userId)];
      const args = [now(), pausedTtlMs, phone.publicKey, phone.sharedKey];
      return oneOf(await redis.run(scripts.pause, names, args), ['paused', 'taken', 'unknown']);
    },

    complete: async (userId, sessionId) => {
      await redis.run(scripts.complete, [sessionKey(userId, sessionId)], [now(), pairedTtlMs]);
    },

    remove: async (userId, sessionId) => {
      await redis.run(scripts.remove, [sessionKey(userId, sessionId), freshKey(userId)], [now()]);
    },

    end: async (userId, sessionId, socketId) => {
      const names = [sessionKey(userId, sessionId), freshKey(userId)];
      const outcome = await redis.run(scripts.end, names, [now(), socketId]);
      return oneOf(outcome, ['ended', 'kept', 'paused', 'paired', 'unknown']);
    },

    claimPassword: async (digest, fingerprint) =>
      (await redis.run(claim, [keys.alone('claim', digest)], [now(), claimTtlMs, fingerprint])) === 1,
  };
}

const claim = timedScript(
  'claim password',
  1,
  `
local held = redis.call('GET', KEYS[1])
if held then
  local untilMs, owner = string.match(held, '^(%d+) (.*)$')
  if tonumber(untilMs) > now then return owner == ARGV[3] and 1 or 0 end
end
redis.call('SET', KEYS[1], text(now + ARGV[2]) .. ' ' .. ARGV[3], 'PX', ARGV[2])
return 1`,
);

const states: readonly SessionState[] = ['open', 'paused', 'paired'];

/** The answer of `show` and `get`: id, state, public key, shared key; or nothing. */
function sessionOf(userId: string, reply: unknown): Session | undefined {
  if (reply === null || reply === undefined) return undefined;
  const [sessionId, state, publicKey, sharedKey]: unknown[] = Array.isArray(reply) ? reply : [];
  const known = states.find((each) => each === state);
  if (typeof sessionId !== 'string' || !known) throw foreign(reply);
  if (typeof publicKey !== 'string' || typeof sharedKey !== 'string')
    return { userId, sessionId, state: known };
  return { userId, sessionId, state: known, phone: { publicKey, sharedKey } };
}

function oneOf<const T extends string>(reply: unknown, values: readonly T[]): T {
  const found = values.find((value) => value === reply);
  if (found === undefined) throw foreign(reply);
  return found;
}

function foreign(reply: unknown): SwobError {
  return new SwobError('INTERNAL', `a script of the store answered ${typeof reply}, which it never should`);
}
