// The store of `[store] url = redis://…`: every process that opens it shares it with all others. Opened by app.

import { newUuid } from '../../crypto/random.ts';
import type { Store } from '../../domain/ports.ts';
import { within } from '../../domain/within.ts';
import { SwobError } from '../../errors.ts';
import type { StoreOptions } from '../options.ts';
import { storeClosed, tooManyCallbacks, tooManyMessages } from '../refusals.ts';
import { isCallback, isInboundSms, isReceipt, isRememberedAnswer } from '../shapes.ts';
import { charactersOfAnswer } from '../weights.ts';
import type { RedisConnection, RedisScript } from './connection/connect.ts';
import { createRedisFlights } from './flights.ts';
import { createRedisLimits } from './limits.ts';
import { createRedisMemo } from './memo.ts';
import { createRedisOutbox } from './outbox.ts';
import { createKeySpace, type KeySpace, type Redis, scriptsOn, type Timed } from './script.ts';
import { createRedisSeeds } from './seeds.ts';
import { createRedisSessions } from './sessions.ts';
import { createRedisUsers } from './users.ts';

export interface RedisStoreOptions extends StoreOptions {
  readonly redis: RedisConnection;
  /** Begins every key. */
  readonly prefix: string;
  /** Slots of a cluster that sessions are spread over; 1 for a single server. */
  readonly slots: number;
  /** Milliseconds, in place of the clock of Redis; for tests. */
  readonly now?: (() => number) | undefined;
  /** Milliseconds after which the claims of a silent node are another's; for tests. */
  readonly leaseMs?: number;
}

/** Renewed three times as often. */
const defaultLeaseMs = 30_000;

/** To give back what is claimed; another node gets the rest when its lease is over. */
const closeMs = 1_500;

export function createRedisStore(options: RedisStoreOptions): Store {
  const { clock, log, prefix, slots, leaseMs = defaultLeaseMs } = options;
  const now: Timed = options.now ?? (() => '');
  const keys = createKeySpace(prefix);
  const consumer = newUuid();
  let closing: Promise<void> | undefined;
  const { redis: connection } = options;
  const { run, durable } = scriptsOn(connection);
  const anyway: Redis = {
    run: (...call) => run(...call).catch(rethrow),
    durable: (...call) => durable(...call).catch(rethrow),
  };
  const ifOpen =
    (work: Redis['run']): Redis['run'] =>
    async (...call) => {
      if (closing) throw storeClosed();
      return work(...call);
    };
  const redis: Redis = { run: ifOpen(anyway.run), durable: ifOpen(anyway.durable) };

  // They give back their claims after the store has closed for everybody else.
  const outboxes = { redis: anyway, keys, now, clock, log, consumer, leaseMs };
  const inbound = createRedisOutbox({
    ...outboxes,
    ...options.inbound,
    kind: 'inbound',
    isContent: isInboundSms,
    full: tooManyMessages,
  });
  const callbacks = createRedisOutbox({
    ...outboxes,
    ...options.callbacks,
    kind: 'callbacks',
    isContent: isCallback,
    full: tooManyCallbacks,
  });
  const memos = { redis, keys, now };

  const close = async (): Promise<void> => {
    await within(clock, closeMs, Promise.all([inbound.close(), callbacks.close()]));
    await connection.close();
  };
  return {
    seeds: createRedisSeeds({ redis, keys, now, log, seeds: options.seeds }),
    sessions: createRedisSessions({ redis, keys, now, slots, sessions: options.sessions }),
    limits: createRedisLimits(redis, keys, now),
    users: createRedisUsers(redis, keys),
    inbound: inbound.store,
    published: createRedisMemo({
      ...memos,
      name: 'published',
      isValue: isReceipt,
      bounds: options.published,
    }),
    callbacks: callbacks.store,
    answers: createRedisMemo({
      ...memos,
      name: 'answers',
      isValue: isRememberedAnswer,
      bounds: options.answers,
      charactersOf: charactersOfAnswer,
    }),
    flights: createRedisFlights(redis, keys, now),
    agree: async (name, value) => String(await redis.durable(agree, [agreedKey(keys, name)], [value])),
    probe: async () => {
      await redis.durable(probe, [keys.alone('probe', consumer)], [60_000]);
    },
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** A password that is changed while we run: for whoever asks now, the store is away like any other. */
function rethrow(error: unknown): never {
  if (!(error instanceof SwobError) || error.code !== 'CONFIG') throw error;
  const { message, forClients } = error;
  throw new SwobError('UNAVAILABLE', message, { cause: error, retryAfter: 1, forClients });
}

/** Holds what all nodes must have in common. */
function agreedKey(keys: KeySpace, name: string): string {
  return keys.alone('agreed', name);
}

const agree: RedisScript = {
  name: 'agree',
  keys: 1,
  lua: `
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])`,
};

const probe: RedisScript = {
  name: 'probe',
  keys: 1,
  lua: "return redis.call('SET', KEYS[1], '', 'PX', ARGV[1])",
};
