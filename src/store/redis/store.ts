// The store of `[store] url = redis://…`, shared by all processes that open it. Opened by app.

import { newUuid } from '../../crypto/random.ts';
import type { Store } from '../../domain/store.ts';
import { SwobError } from '../../errors.ts';
import { createDeadline, type Deadline } from '../../lib/deadline.ts';
import type { RedisClient, RedisScript } from '../../redis/connect.ts';
import { callbacksFullError, inboundFullError, storeClosedError, waitingSmsFullError } from '../errors.ts';
import { isCallback, isInboundSms, isSignOut, isWaitingSms } from '../guards.ts';
import type { StoreOptions } from '../options.ts';
import { createRedisClients } from './delivering-clients.ts';
import { createRedisDisconnects } from './disconnects.ts';
import { createRedisLeases } from './leases.ts';
import { createRedisLimits } from './limits.ts';
import { createRedisMonitoring } from './monitoring.ts';
import { createRedisOutbox } from './outbox.ts';
import { createRedisMessages } from './outgoing-messages.ts';
import { createRedisPasswordClaims } from './password-claims.ts';
import { probeWrite } from './probe.ts';
import { createRedisTests } from './reliability-tests.ts';
import {
  createKeySpace,
  createScriptRunner,
  type KeySpace,
  type NowArgument,
  type ScriptRunner,
} from './script.ts';
import { createRedisSeeds } from './seeds.ts';
import { createRedisSessions } from './sessions.ts';
import { createRedisTtlStore } from './ttl-store.ts';
import { createRedisReceipts, createRedisResponses } from './ttl-stores.ts';
import { createRedisUsers } from './users.ts';

export interface RedisStoreOptions extends StoreOptions {
  readonly redis: RedisClient;
  /** Prefixes every key. */
  readonly prefix: string;
  /** Slots over which sessions are spread in a cluster; 1 for a single server. */
  readonly slots: number;
  /** Milliseconds that replace the clock of Redis; for tests. */
  readonly now?: (() => number) | undefined;
  /** Milliseconds after which other nodes may take over the claims of a silent node; for tests. */
  readonly leaseMs?: number;
}

/** How long closing may take when the caller sets no deadline. */
const defaultCloseMs = 3_000;
/** Renewed three times per lease. */
const defaultLeaseMs = 30_000;

/** For the connections to be closed, when returning claims has taken all other time. */
const disconnectMs = 250;

export function createRedisStore(options: RedisStoreOptions): Store {
  const { clock, log, prefix, slots, leaseMs = defaultLeaseMs } = options;
  const now: NowArgument = options.now ?? (() => '');
  const keys = createKeySpace(prefix);
  const consumer = newUuid();
  let closing: Promise<void> | undefined;
  const { redis: connection } = options;
  const { run, durable } = createScriptRunner(connection);
  const unguarded: ScriptRunner = {
    run: (...call) => run(...call).catch(toOutage),
    durable: (...call) => durable(...call).catch(toOutage),
  };
  const whileOpen =
    (work: ScriptRunner['run']): ScriptRunner['run'] =>
    async (...call) => {
      if (closing) throw storeClosedError();
      return work(...call);
    };
  const redis: ScriptRunner = { run: whileOpen(unguarded.run), durable: whileOpen(unguarded.durable) };

  // Exempt from `closing`, because they return their claims after the store has been closed for other callers.
  const outboxes = { redis: unguarded, keys, now, clock, log, consumer, leaseMs };
  const inbound = createRedisOutbox({
    ...outboxes,
    ...options.inbound,
    kind: 'inbound',
    isContent: isInboundSms,
    full: inboundFullError,
  });
  const callbacks = createRedisOutbox({
    ...outboxes,
    ...options.callbacks,
    kind: 'callbacks',
    isContent: isCallback,
    full: callbacksFullError,
  });
  const waitingSms = createRedisOutbox({
    ...outboxes,
    ...options.waitingSms,
    kind: 'waitingSms',
    isContent: isWaitingSms,
    full: waitingSmsFullError,
  });
  const ttlOptions = { redis, keys, now, clock };
  const receipts = createRedisReceipts(ttlOptions, options);
  const responses = createRedisResponses(ttlOptions, options);
  const signOuts = createRedisTtlStore({
    ...ttlOptions,
    name: 'sign-outs',
    isValue: isSignOut,
    bounds: options.signOuts,
  });

  const close = async (deadline: Deadline): Promise<void> => {
    for (const each of [receipts, responses, signOuts]) each.close();
    // Claims that are not returned pass to another node when their lease ends.
    const claims = [inbound, callbacks, waitingSms].map((outbox) => outbox.close());
    await deadline.reserve(disconnectMs).settles(Promise.all(claims));
    await deadline.settles(connection.close());
  };
  return {
    seeds: createRedisSeeds({ redis, keys, now, log, seeds: options.seeds }),
    clients: createRedisClients({ redis, keys, now, clients: options.clients }),
    tests: createRedisTests({ redis, keys, now, log, tests: options.tests }),
    sessions: createRedisSessions({ redis, keys, now, slots, sessions: options.sessions }),
    passwordClaims: createRedisPasswordClaims(redis, keys, now),
    limits: createRedisLimits(redis, keys, now, clock),
    users: createRedisUsers(redis, keys, connection),
    inbound: inbound.store,
    receipts,
    callbacks: callbacks.store,
    responses,
    signOuts,
    messages: createRedisMessages({ redis, keys, now, clock, log, messages: options.messages }),
    waitingSms: waitingSms.store,
    monitoring: createRedisMonitoring({ redis, keys, now, bounds: options.monitoring }),
    disconnects: createRedisDisconnects({ redis, keys, now, clock, log, disconnects: options.disconnects }),
    shared: {
      leases: createRedisLeases(redis, keys, now),
      agreeOn: async (name, value) => String(await redis.durable(agree, [agreedKey(keys, name)], [value])),
    },
    probe: () => probeWrite(redis, keys, consumer),
    close: (deadline = createDeadline(clock, defaultCloseMs)) => (closing ??= close(deadline)),
  };
}

/** While the store runs, a changed password is an outage like any other. */
function toOutage(error: unknown): never {
  if (!(error instanceof SwobError) || error.code !== 'CONFIG') throw error;
  const { message, publicMessage } = error;
  throw new SwobError('UNAVAILABLE', message, { cause: error, retryAfter: 1, publicMessage });
}

/** A value that all nodes must share. */
function agreedKey(keys: KeySpace, name: string): string {
  return keys.single('agreed', name);
}

const agree: RedisScript = {
  name: 'agree',
  keys: 1,
  lua: `
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])`,
};
