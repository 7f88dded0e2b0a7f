import { vi } from 'vitest';
import { createDevelopers } from '../../../src/domain/outgoing/developers.ts';
import type { Callback, OutgoingSms } from '../../../src/domain/outgoing/model.ts';
import type { SendRequest } from '../../../src/domain/outgoing/outgoing.ts';
import { createPacing, type PacingOptions } from '../../../src/domain/outgoing/pacing.ts';
import type { Broker } from '../../../src/domain/outgoing/ports.ts';
import { createOutbox } from '../../../src/domain/shared/outbox.ts';
import { SwobError } from '../../../src/errors.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';
import { createRequestContext } from '../../support/request-context.ts';
import { buildOutgoing } from './outgoing-parts.ts';

export const context = createRequestContext();
export const number = '+237650393369';
export const sms = { number, text: 'hello', operator_name: 'MTN Cameroon' };
export const request: SendRequest = { authId: 'dev1', authKey: 'key', data: [sms] };
export const setup = { id: 'setup', key: 'secret' };
export const subscription = { authId: 'dev1', authKey: 'key', setup };
export const sentResult = { kind: 'sent', route: 'dev1_OUTGOING_SMS.237.62401' } as const;
export const unavailable = new SwobError('UNAVAILABLE', 'no connection to the broker', { retryAfter: 5 });

interface FixtureOptions {
  readonly broker?: boolean;
  readonly tenants?: boolean;
  readonly setup?: typeof setup;
  readonly pace?: Partial<Pick<PacingOptions, 'rate' | 'daily' | 'quiet'>>;
  readonly maxPerDeveloper?: number;
  /** Of the callbacks. */
  readonly pollIntervalMs?: number;
}

export function createFixture(options: FixtureOptions = {}) {
  const clock = createFakeClock();
  const log = createMemoryLog();
  const store = createMemoryStore({
    ...storeOptions(clock),
    messages: { ttlMs: 40 * 86_400_000, max: 1_000 },
    waitingSms: { max: 1_000 },
  });
  const broker = {
    send: vi.fn(async (_sms: OutgoingSms): ReturnType<Broker['send']> => sentResult),
    close: async () => 0,
  };
  const tenants = {
    subscribe: vi.fn(async (_id: string, _key: string) => {}),
    unsubscribe: vi.fn(async (_id: string) => {}),
    isSubscribed: vi.fn(async (_id: string) => true),
  };
  const api = {
    authenticate: vi.fn(async (id: string, key: string) => {
      const kind = id === 'dev1' && key === 'key' ? 'accepted' : 'refused';
      return { kind } as const;
    }),
  };
  const called: Callback[] = [];
  const callbacks = createOutbox<Callback>({
    name: 'callback',
    store: store.callbacks,
    clock,
    log,
    random: () => 1,
    concurrency: 4,
    maxAgeMs: 60_000,
    maxBackoffMs: 60_000,
    deadLetterTtlMs: 0,
    pollIntervalMs: options.pollIntervalMs,
    onlyDurable: true,
    deliver: async ({ content }) => {
      called.push(content);
      return { kind: 'delivered' };
    },
  });
  callbacks.start();
  const {
    outgoing,
    tracking,
    messages,
    waiting,
    routed,
    log: queueLog,
  } = buildOutgoing({
    broker: options.broker === false ? undefined : broker,
    store,
    callbacks,
    clock,
    pacing:
      options.pace &&
      createPacing({ rate: 'off', daily: 'off', quiet: [], ...options.pace, limits: store.limits, clock }),
    maxPerDeveloper: options.maxPerDeveloper,
    tenants: options.tenants === false ? undefined : tenants,
    developers: createDevelopers({
      api,
      limits: store.limits,
      setup: options.setup ?? setup,
      guessLimit: { count: 3, windowMs: 60_000 },
    }),
    leases: undefined,
    responses: store.responses,
    requestLimit: { count: 50, windowMs: 60_000 },
    lookupLimit: { count: 50, windowMs: 60_000 },
  });
  return {
    ...{ clock, log, store, broker, tenants, api, called, outgoing, tracking, messages, waiting, routed },
    queueLog,
  };
}

export const errorsIn = ({ body }: { body: string }): { number: string; error_message: string }[] =>
  JSON.parse(body).errors;
