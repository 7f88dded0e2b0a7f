// Publishing on the memory store and a fake clock, with a user directory and a Publisher that fail as a test says. Used
// by the tests of publishing.

import { vi } from 'vitest';
import { createMessageAdmin } from '../../../src/domain/inbound/message-admin.ts';
import type { Delivery, Publisher, UserLookup } from '../../../src/domain/inbound/ports.ts';
import { createPublishing } from '../../../src/domain/inbound/publishing.ts';
import { createRefusedSmsLog } from '../../../src/domain/inbound/refused-sms.ts';
import type { RelayOptions } from '../../../src/domain/inbound/relay.ts';
import type { Store } from '../../../src/domain/store.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { storeOptions, user } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';
import { createRequestContext } from '../../support/request-context.ts';
import { encryptAsApp } from '../../support/sms.ts';

export const msisdn = '+237650393369';
export const message = 'g:to@example.org:::subject:body';

interface FixtureOptions {
  readonly maxAgeMs?: number;
  readonly maxKept?: number;
  readonly earlier?: Store | undefined;
  /** Without it nothing is relayed. */
  readonly relay?: Partial<RelayOptions>;
}

export async function createFixture({
  maxAgeMs = 60_000,
  maxKept = 40,
  earlier,
  relay,
}: FixtureOptions = {}) {
  const clock = createFakeClock();
  const log = createMemoryLog();
  const context = createRequestContext();
  const store = earlier ?? createMemoryStore(storeOptions(clock));
  await store.users.put(user);
  const directory = {
    userOf: vi.fn(
      async (number: string): Promise<UserLookup> =>
        number === msisdn ? { kind: 'found', userId: user.userId } : { kind: 'unknown' },
    ),
  };
  const publisher = { publish: vi.fn<Publisher['publish']>(published), close: async () => 0 };
  const relayPublisher = { publish: vi.fn<Publisher['publish']>(published), close: async () => 0 };
  const refusedSms = createRefusedSmsLog(clock);
  const publishing = createPublishing({
    store,
    directory,
    publisher,
    relay: relay && {
      publisher: relayPublisher,
      isAllowed: () => true,
      minBytes: 8,
      maxAgeMs: 86_400_000,
      ...relay,
    },
    refusedSms,
    clock,
    log,
    random: () => 1,
    maxAgeMs,
    maxBackoffMs: 300_000,
    policy: { retries: 3, retryPauseMs: 600_000, unknownRetries: 1 },
    responseTimeoutMs: 10_000,
    maxKept,
    deadLetterTtlMs: 86_400_000,
    smsLimit: { count: 100, windowMs: 60_000 },
    parseSender: (text) =>
      /^\+\d+$/.test(text) ? { kind: 'number', msisdn: text } : { kind: 'invalid', reason: 'letters' },
  });
  publishing.outbox.start();
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  };
  return {
    clock,
    log,
    context,
    store,
    directory,
    publisher,
    relayPublisher,
    publishing,
    refusedSms,
    messageAdmin: createMessageAdmin({ store, outbox: publishing.outbox, refusedSms, health: () => [] }),
    receive: (text: string, from = msisdn) =>
      publishing.receive({ platform: 'gateway-client', msisdn: from, text }, context),
    settle,
    /** Advances the clock in steps, and settles all work after each. */
    pass: async (ms: number, stepMs = Math.ceil(ms / 200)) => {
      for (let passed = 0; passed < ms; passed += stepMs) {
        clock.advance(Math.min(stepMs, ms - passed));
        await settle();
      }
    },
  };
}

export const sms = () => encryptAsApp(user.sharedKey, message);
const at = 'the Publisher at 127.0.0.1:9200';
export const published: Publisher['publish'] = async (_id, _msisdn, _message, beforeSend) => {
  await beforeSend();
  return { kind: 'published' };
};
export const down = { kind: 'not sent', reason: `${at} is unreachable (ECONNREFUSED)` } as const;
export const failed: Delivery = { kind: 'failed', reason: `${at} answered 500` };
export const unanswered = { kind: 'unknown', reason: `${at} did not answer within 120000 ms` } as const;
export const rejected: Delivery = { kind: 'rejected', reason: `${at} answered 400` };
/** A Publisher that sends and returns this delivery. */
export const ending =
  (delivery: Delivery): Publisher['publish'] =>
  async (_id, _msisdn, _message, beforeSend) => {
    if (delivery.kind !== 'not sent') await beforeSend();
    return delivery;
  };
