// All that the Redis store keeps, told and taken back; nodes may be at work meanwhile. Opened by app/compose for `swob
// store export` and `import`.

import type { Parcel } from '../../domain/model.ts';
import { messageOf, SwobError } from '../../errors.ts';
import {
  type ArchivedMemo,
  type ArchivedRecord,
  idOf,
  isArchivedRecord,
  isOver,
  noCounts,
  type StoreArchive,
} from '../archive.ts';
import { tooManyCallbacks, tooManyMessages } from '../refusals.ts';
import {
  isCallback,
  isInboundSms,
  isParcel,
  isReceipt,
  isRememberedAnswer,
  isSeed,
  isUser,
} from '../shapes.ts';
import { charactersOfAnswer } from '../weights.ts';
import { createRedisMemo, memoKeys } from './memo.ts';
import { outboxKeys, parcelScripts, putParcel } from './outbox.ts';
import { readRecord } from './records.ts';
import { createKeySpace, idOfWellFormed, scriptsOn, wellFormed } from './script.ts';
import { createRedisSeeds, seedKeys } from './seeds.ts';
import type { RedisStoreOptions } from './store.ts';
import { createRedisUsers, userKind } from './users.ts';
import { hashItems, inOrder, keysLike } from './walk.ts';

/** `slots` makes no difference: sessions are not carried. */
export function openRedisArchive(options: Omit<RedisStoreOptions, 'slots'>): StoreArchive {
  const { redis: connection, prefix, log, clock } = options;
  const now = options.now ?? (() => '' as const);
  const keys = createKeySpace(prefix);
  const redis = scriptsOn(connection);
  const seeds = createRedisSeeds({ redis, keys, now, log, seeds: options.seeds });
  const users = createRedisUsers(redis, keys);
  const memos = { redis, keys, now };
  const published = createRedisMemo({
    ...memos,
    name: 'published',
    isValue: isReceipt,
    bounds: options.published,
  });
  const answers = createRedisMemo({
    ...memos,
    name: 'answers',
    isValue: isRememberedAnswer,
    bounds: options.answers,
    charactersOf: charactersOfAnswer,
  });
  const isSms = isParcel(isInboundSms);
  const isCall = isParcel(isCallback);

  const timeNow = async (): Promise<number> => {
    const given = now();
    if (given !== '') return given;
    const reply = await connection.run({ args: ['TIME'] });
    return Array.isArray(reply) ? Number(reply[0]) * 1_000 : Date.parse('');
  };
  const get = (key: string): Promise<unknown> => connection.run({ key, args: ['GET', key] });
  const field = (key: string, name: string): Promise<unknown> =>
    connection.run({ key, args: ['HGET', key, name] });

  async function* parcelsOf(kind: 'inbound' | 'callbacks'): AsyncGenerator<ArchivedRecord> {
    for await (const [id, text] of hashItems(connection, outboxKeys(keys, kind)[0])) {
      const parcel = named(`${kind} ${id}`, () => parcelOf(kind, text));
      if (parcel) yield parcel;
    }
  }
  const parcelOf = (kind: 'inbound' | 'callbacks', text: unknown): ArchivedRecord | undefined => {
    // A parcel that a node has claimed stands there as it waited.
    if (kind === 'inbound') return withKind(kind, readRecord('parcel', isSms, text));
    return withKind(kind, readRecord('parcel', isCall, text));
  };

  async function* memosOf(kind: 'published' | 'answers'): AsyncGenerator<ArchivedRecord> {
    const [values, order] = memoKeys(keys, kind);
    const time = await timeNow();
    for await (const [key, text] of inOrder(connection, order, values)) {
      const memo = named(`${kind} ${key}`, () => memoOf(kind, idOfWellFormed(key), text));
      if (memo && !isOver(memo, time)) yield memo;
    }
  }

  async function* usersOf(): AsyncGenerator<ArchivedRecord> {
    for await (const page of keysLike(connection, keys.alone(userKind, ''))) {
      const texts = await Promise.all(page.map(get));
      for (const [index, key] of page.entries()) {
        const user = named(key, () => readRecord('user', isUser, texts[index]));
        // Another installation's prefix may begin as our users do.
        if (user && keys.alone(userKind, user.userId) === key) yield { kind: 'users', record: user };
      }
    }
  }

  async function* records(): AsyncGenerator<ArchivedRecord> {
    for await (const [imsi, text] of hashItems(connection, seedKeys(keys)[0])) {
      const seed = named(`seed ${imsi}`, () => readRecord('seed', isSeed, text));
      if (seed) yield { kind: 'seeds', record: seed };
    }
    yield* usersOf();
    yield* parcelsOf('inbound');
    yield* parcelsOf('callbacks');
    yield* memosOf('published');
    yield* memosOf('answers');
  }

  const restore = async (item: ArchivedRecord): Promise<void> => {
    if (item.kind === 'seeds') return seeds.restore(item.record);
    if (item.kind === 'users') return users.put(item.record);
    if (item.kind === 'published') return published.restore(item.key, item.record, item.until);
    if (item.kind === 'answers') return answers.restore(item.key, item.record, item.until);
    const parcel: Parcel<unknown> = item.record;
    const full = item.kind === 'inbound' ? tooManyMessages : tooManyCallbacks;
    const durable = parcelScripts(redis.durable, outboxKeys(keys, item.kind), { now, clock });
    return putParcel(durable, parcel, { max: options[item.kind].max, full });
  };

  const find = async (item: ArchivedRecord): Promise<ArchivedRecord | undefined> => {
    const id = idOf(item);
    if (item.kind === 'users') return withKind(item.kind, await users.get(id));
    if (item.kind === 'seeds') return withKind(item.kind, await seeds.get(id));
    if (item.kind === 'published' || item.kind === 'answers') {
      return memoOf(item.kind, id, await field(memoKeys(keys, item.kind)[0], wellFormed(id)));
    }
    return parcelOf(item.kind, await field(outboxKeys(keys, item.kind)[0], id));
  };

  return {
    count: async () => {
      const counts = { ...noCounts };
      for await (const { kind } of records()) counts[kind]++;
      return counts;
    },
    records,
    restore,
    find,
    close: () => connection.close(),
  };
}

/** `text`: as memo.ts has them, `<until> <weight> <JSON>`. */
function memoOf(kind: ArchivedMemo['kind'], key: string, text: unknown): ArchivedRecord | undefined {
  if (typeof text !== 'string') return undefined;
  const [, until, json] = /^(\d+) \d+ (.*)$/s.exec(text) ?? [];
  const isMemo = (record: unknown): record is ArchivedMemo['record'] =>
    isArchivedRecord({ kind, key, until: Number(until), record });
  const record = readRecord('memo', isMemo, json ?? '');
  const memo: unknown = { kind, key, until: Number(until), record };
  return isArchivedRecord(memo) ? memo : undefined;
}

function withKind<K extends ArchivedRecord['kind'], T>(kind: K, record: T | undefined) {
  return record === undefined ? undefined : { kind, record };
}

/** Names the record in what is thrown. */
function named<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new SwobError('UNAVAILABLE', `${name}: ${messageOf(error)}`, { cause: error });
  }
}
