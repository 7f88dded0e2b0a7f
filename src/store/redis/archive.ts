// Export and import of the Redis store; other nodes may be using it meanwhile. Used by app/compose for `swob store
// export` and `import`.

import type { OutboxEntry } from '../../domain/shared/model.ts';
import { recordIdOf } from '../../domain/wifi/audit-model.ts';
import { messageOf, SwobError } from '../../errors.ts';
import {
  type ArchivedExpiringRecord,
  type ArchivedRecord,
  idOf,
  isArchivedRecord,
  isExpired,
  type StoreArchive,
  zeroCounts,
} from '../archive/archive.ts';
import { callbacksFullError, inboundFullError, waitingSmsFullError } from '../errors.ts';
import {
  isCallback,
  isDisconnectRecord,
  isInboundSms,
  isOutboxEntry,
  isOutgoingMessage,
  isReliabilityTest,
  isSeed,
  isUser,
  isWaitingSms,
} from '../guards.ts';
import { createRedisClients } from './delivering-clients.ts';
import { createRedisDisconnects, disconnectKeys, disconnectLogs } from './disconnects.ts';
import { entryScripts, outboxKeys, putEntry } from './outbox.ts';
import { createRedisMessages, messageKeys, messageText } from './outgoing-messages.ts';
import { readRecord } from './records.ts';
import { createRedisTests, testJson, testKeys } from './reliability-tests.ts';
import { readHashFrom, readHashInOrder, scanHash, scanKeys } from './scan.ts';
import { createKeySpace, createScriptRunner, decodeId, encodeId } from './script.ts';
import { createRedisSeeds, seedKeys } from './seeds.ts';
import type { RedisStoreOptions } from './store.ts';
import { ttlStoreKeys } from './ttl-store.ts';
import { createRedisReceipts, createRedisResponses } from './ttl-stores.ts';
import { createRedisUsers, userKind } from './users.ts';

const fullErrors = {
  inbound: inboundFullError,
  callbacks: callbacksFullError,
  waitingSms: waitingSmsFullError,
} as const;
type OutboxKind = keyof typeof fullErrors;

/** Without `slots`, because sessions are not exported. */
export function openRedisArchive(options: Omit<RedisStoreOptions, 'slots'>): StoreArchive {
  const { redis: connection, prefix, log, clock } = options;
  const now = options.now ?? (() => '' as const);
  const keys = createKeySpace(prefix);
  const redis = createScriptRunner(connection);
  const seeds = createRedisSeeds({ redis, keys, now, log, seeds: options.seeds });
  const users = createRedisUsers(redis, keys, connection);
  const clients = createRedisClients({ redis, keys, now, clients: options.clients });
  const tests = createRedisTests({ redis, keys, now, log, tests: options.tests });
  const disconnects = createRedisDisconnects({
    redis,
    keys,
    now,
    clock,
    log,
    disconnects: options.disconnects,
  });
  const messages = createRedisMessages({ redis, keys, now, clock, log, messages: options.messages });
  const ttlOptions = { redis, keys, now, clock };
  const receipts = createRedisReceipts(ttlOptions, options);
  const responses = createRedisResponses(ttlOptions, options);

  const timeNow = async (): Promise<number> => {
    const given = now();
    if (given !== '') return given;
    const reply = await connection.run({ args: ['TIME'] });
    return Array.isArray(reply) ? Number(reply[0]) * 1_000 : Date.parse('');
  };
  const get = (key: string): Promise<unknown> => connection.run({ key, args: ['GET', key] });
  const field = (key: string, name: string): Promise<unknown> =>
    connection.run({ key, args: ['HGET', key, name] });

  async function* entriesOf(kind: OutboxKind): AsyncGenerator<ArchivedRecord> {
    for await (const [id, text] of scanHash(connection, outboxKeys(keys, kind)[0])) {
      const entry = named(`${kind} ${id}`, () => entryOf(kind, text));
      if (entry) yield entry;
    }
  }
  const entryOf = (kind: OutboxKind, text: unknown): ArchivedRecord | undefined => {
    // A claimed entry is stored as it was while waiting.
    if (kind === 'inbound') return withKind(kind, readRecord('entry', isOutboxEntry(isInboundSms), text));
    if (kind === 'callbacks') return withKind(kind, readRecord('entry', isOutboxEntry(isCallback), text));
    return withKind(kind, readRecord('entry', isOutboxEntry(isWaitingSms), text));
  };

  async function* expiringRecords(kind: 'receipts' | 'responses'): AsyncGenerator<ArchivedRecord> {
    const [values, order] = ttlStoreKeys(keys, kind);
    const time = await timeNow();
    for await (const [key, text] of readHashInOrder(connection, order, values)) {
      const item = named(`${kind} ${key}`, () => expiringRecord(kind, decodeId(key), text));
      if (item && !isExpired(item, time)) yield item;
    }
  }

  async function* usersOf(): AsyncGenerator<ArchivedRecord> {
    for await (const page of scanKeys(connection, keys.single(userKind, ''))) {
      const texts = await Promise.all(page.map(get));
      for (const [index, key] of page.entries()) {
        const user = named(key, () => readRecord('user', isUser, texts[index]));
        // Another installation's prefix may start with this one's prefix of users.
        if (user && keys.single(userKind, user.userId) === key) yield { kind: 'users', record: user };
      }
    }
  }

  async function* disconnectRecords(): AsyncGenerator<ArchivedRecord> {
    // The oldest first, because a folder evicts what it has taken first.
    const earliest = recordIdOf(clock.now() - options.disconnects.ttlMs, '');
    for (const name of disconnectLogs) {
      const [values, order] = disconnectKeys(keys, name);
      for await (const [id, value] of readHashFrom(connection, order, values, earliest)) {
        const record = named(`disconnect ${id}`, () => readRecord('disconnect', isDisconnectRecord, value));
        if (record && record.at > clock.now() - options.disconnects.ttlMs)
          yield { kind: 'disconnects', record };
      }
    }
  }

  async function* records(): AsyncGenerator<ArchivedRecord> {
    for await (const [imsi, text] of scanHash(connection, seedKeys(keys)[0])) {
      const seed = named(`seed ${imsi}`, () => readRecord('seed', isSeed, text));
      if (seed) yield { kind: 'seeds', record: seed };
    }
    yield* usersOf();
    yield* entriesOf('inbound');
    yield* entriesOf('callbacks');
    yield* expiringRecords('receipts');
    yield* expiringRecords('responses');
    for (const record of await clients.list()) yield { kind: 'clients', record };
    for await (const [id, value] of scanHash(connection, testKeys(keys)[0])) {
      const test = named(`test ${id}`, () => readRecord('test', isReliabilityTest, testJson(value)));
      if (test) yield { kind: 'tests', record: test };
    }
    yield* disconnectRecords();
    const time = await timeNow();
    for await (const [id, value] of scanHash(connection, messageKeys(keys)[0])) {
      const { until, json } = messageText(value);
      const message = named(`message ${id}`, () => readRecord('outgoing message', isOutgoingMessage, json));
      if (message && until > time) yield { kind: 'messages', record: message };
    }
    yield* entriesOf('waitingSms');
  }

  const restore = async (item: ArchivedRecord): Promise<void> => {
    if (item.kind === 'seeds') return seeds.restore(item.record);
    if (item.kind === 'users') return users.put(item.record);
    if (item.kind === 'receipts') return receipts.restore(item.key, item.record, item.until);
    if (item.kind === 'responses') return responses.restore(item.key, item.record, item.until);
    if (item.kind === 'clients') return clients.record([item.record]);
    if (item.kind === 'tests') return tests.restore(item.record);
    if (item.kind === 'disconnects') return disconnects.add(item.record);
    if (item.kind === 'messages') return messages.restore(item.record);
    const entry: OutboxEntry<unknown> = item.record;
    const durable = entryScripts(redis.durable, outboxKeys(keys, item.kind), { now, clock });
    return putEntry(durable, entry, { max: options[item.kind].max, full: fullErrors[item.kind] });
  };

  const find = async (item: ArchivedRecord): Promise<ArchivedRecord | undefined> => {
    const id = idOf(item);
    if (item.kind === 'users') return withKind(item.kind, await users.get(id));
    if (item.kind === 'seeds') return withKind(item.kind, await seeds.get(id));
    if (item.kind === 'receipts' || item.kind === 'responses') {
      return expiringRecord(item.kind, id, await field(ttlStoreKeys(keys, item.kind)[0], encodeId(id)));
    }
    if (item.kind === 'tests') return withKind(item.kind, await tests.get(item.record.id));
    if (item.kind === 'disconnects') return withKind(item.kind, await disconnects.get(id));
    if (item.kind === 'messages') return withKind(item.kind, await messages.get(id));
    if (item.kind === 'clients') {
      return withKind(
        item.kind,
        (await clients.list()).find(({ msisdn }) => msisdn === id),
      );
    }
    return entryOf(item.kind, await field(outboxKeys(keys, item.kind)[0], id));
  };

  return {
    count: async () => {
      const counts = { ...zeroCounts };
      for await (const { kind } of records()) counts[kind]++;
      return counts;
    },
    records,
    restore,
    find,
    close: () => connection.close(),
  };
}

/** `text` is a value of ttl-store.ts: `<until> <weight> <JSON>`. */
function expiringRecord(
  kind: ArchivedExpiringRecord['kind'],
  key: string,
  text: unknown,
): ArchivedRecord | undefined {
  if (typeof text !== 'string') return undefined;
  const [, until, json] = /^(\d+) \d+ (.*)$/s.exec(text) ?? [];
  const isValue = (record: unknown): record is ArchivedExpiringRecord['record'] =>
    isArchivedRecord({ kind, key, until: Number(until), record });
  const record = readRecord('value', isValue, json ?? '');
  const item: unknown = { kind, key, until: Number(until), record };
  return isArchivedRecord(item) ? item : undefined;
}

function withKind<K extends ArchivedRecord['kind'], T>(kind: K, record: T | undefined) {
  return record === undefined ? undefined : { kind, record };
}

/** Adds the record's name to errors. */
function named<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new SwobError('UNAVAILABLE', `${name}: ${messageOf(error)}`, { cause: error });
  }
}
