// Outgoing messages in Redis: a hash of them by id, and sorted sets: by state, by when they are to be reviewed, and by request.

import type { OutgoingMessage } from '../../domain/outgoing/message.ts';
import type { MessagePage, OutgoingMessageStore } from '../../domain/outgoing/ports.ts';
import type { Clock, Log } from '../../domain/shared/ports.ts';
import { isOutgoingMessage } from '../guards.ts';
import type { TtlBounds } from '../options.ts';
import { digits, lifetimeOf, listMessages, parsePosition, rankOf } from '../outgoing-messages.ts';
import { messageLists, scripts } from './message-scripts.ts';
import { readRecord, readRecords } from './records.ts';
import { encodeId, type KeySpace, type NowArgument, type ScriptRunner } from './script.ts';

export interface RedisMessagesOptions {
  readonly redis: ScriptRunner;
  readonly keys: KeySpace;
  readonly now: NowArgument;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  readonly messages: TtlBounds;
}

export interface RedisMessages extends OutgoingMessageStore {
  /** Adds or replaces a message, whatever its revision. */
  restore(message: OutgoingMessage): Promise<void>;
}

/** Redis runs nothing else during a script. */
const perScript = 250;

export function createRedisMessages(options: RedisMessagesOptions): RedisMessages {
  const { redis, keys, now, clock, log } = options;
  const { ttlMs, max } = options.messages;
  const names = messageKeys(keys);
  const run = (script: (typeof scripts)[keyof typeof scripts], ...args: (string | number)[]) =>
    redis.run(script, names, [now(), ...args]);
  const durable: typeof run = (script, ...args) => redis.durable(script, names, [now(), ...args]);
  const texts = (reply: unknown): string[] => (Array.isArray(reply) ? reply.map(String) : []);
  const parse = (replies: unknown): OutgoingMessage[] =>
    readRecords('outgoing message', isOutgoingMessage, log, replies);

  const get = async (id: string, read = run): Promise<OutgoingMessage | undefined> =>
    readRecord('outgoing message', isOutgoingMessage, await read(scripts.get, id));
  /** By the clock of this machine, which set the times; from now on that of Redis counts. */
  const leftMsOf = (message: OutgoingMessage): number =>
    Math.floor(lifetimeOf(message, ttlMs) - Math.max(0, clock.now() - message.times.queued));
  /** @returns those whose ids are taken */
  const add = async (messages: readonly OutgoingMessage[]): Promise<OutgoingMessage[]> => {
    const args = messages.flatMap((message): (string | number)[] => {
      const { id, revision } = message;
      return [
        id,
        leftMsOf(message),
        revision,
        listOf(message),
        memberOf(message),
        message.reviewAt ?? '',
        JSON.stringify(message),
      ];
    });
    const taken = texts(await durable(scripts.add, max, ttlMs, ...args));
    return taken.flatMap((at) => messages[Number(at)] ?? []);
  };
  const readPage = async (before: string | undefined, limit: number): Promise<MessagePage> => {
    if (before !== undefined && !parsePosition(before)) return { messages: [] };
    const reply = await run(scripts.page, before === undefined ? '+' : `(${before}`, limit);
    const [next = '', ...found] = texts(reply);
    return { messages: parse(found), ...(next !== '' && { next }) };
  };

  return {
    add: async (messages) => {
      return (await Promise.all(chunksOf(messages).map(add))).flat();
    },
    get: (id) => get(id),
    // WAIT covers everything that the master wrote before the read.
    getDurable: (id) => get(id, durable),
    getAll: async (ids) => {
      const replies = await Promise.all(chunksOf(ids).map((some) => run(scripts.getAll, ...some)));
      return replies
        .flatMap((found): unknown[] => (Array.isArray(found) ? found : []))
        .map((reply) => readRecord('outgoing message', isOutgoingMessage, reply));
    },
    replaceAll: async (successors) => {
      const replies = await Promise.all(
        chunksOf(successors).map((some) =>
          durable(
            scripts.replaceAll,
            ...some.flatMap((next): (string | number)[] => {
              const { id, revision, reviewAt = '' } = next;
              const leftMs = rankOf(next) === 'pending' ? leftMsOf(next) : Math.max(ttlMs, leftMsOf(next));
              return [id, leftMs, revision, listOf(next), reviewAt, JSON.stringify(next)];
            }),
          ),
        ),
      );
      return replies.flatMap((reply) => texts(reply).map((text) => text === '1'));
    },
    remove: async (ids) => {
      if (ids.length > 0) await durable(scripts.remove, ...ids);
    },
    ofRequest: async (authId, uuid, limit) =>
      limit > 0 ? parse(await run(scripts.ofRequest, requestOf({ authId, uuid }), limit)) : [],
    list: (filters, page) => listMessages(readPage, filters, page),
    due: async (until, limit) => (limit > 0 ? texts(await run(scripts.due, until, limit, ttlMs)) : []),
    nextReviewAt: async () => {
      const reply = await run(scripts.nextReviewAt, ttlMs);
      return reply === null ? undefined : Number(reply);
    },
    count: async () => {
      const counts = texts(await run(scripts.count, ttlMs)).map(Number);
      const of = (list: (typeof messageLists)[number]): number => counts[messageLists.indexOf(list)] ?? 0;
      const final = { delivered: of('delivered'), failed: of('failed'), expired: of('expired') };
      return { queued: of('queued') + of('pending'), sent: of('sent'), ...final, cancelled: of('cancelled') };
    },
    restore: async (message) => {
      await durable(scripts.remove, message.id);
      await add([message]);
    },
  };
}

function chunksOf<T>(list: readonly T[]): (readonly T[])[] {
  const count = Math.ceil(list.length / perScript);
  return Array.from({ length: count }, (_, n) => list.slice(n * perScript, (n + 1) * perScript));
}

/** As message-scripts.ts has them. */
export function messageKeys(keys: KeySpace): readonly [values: string, ...others: string[]] {
  const named = (name: string): string => keys.grouped('messages', name);
  return [named('values'), ...['reviews', 'requests', ...messageLists].map(named)];
}

/** The expiry and the JSON of a value of the hash. */
export function messageText(value: string): { readonly until: number; readonly json: string } {
  return { until: Number.parseInt(value, 10), json: value.slice(value.indexOf('\n') + 1) };
}

/** The number of its key. */
function listOf(message: OutgoingMessage): number {
  const waits = rankOf(message) === 'pending';
  return 4 + messageLists.indexOf(waits ? 'pending' : message.state);
}

/** Without spaces, which separate the parts of a member. */
function requestOf({ authId, uuid }: Pick<OutgoingMessage, 'authId' | 'uuid'>): string {
  return [authId, uuid].map((text) => encodeURIComponent(encodeId(text))).join(':');
}

function memberOf(message: OutgoingMessage): string {
  const { times, index, id } = message;
  return `${requestOf(message)} ${digits(times.queued)} ${String(index).padStart(6, '0')} ${id}`;
}
