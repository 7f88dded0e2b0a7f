// Reliability tests of gateway clients: an SMS with the id of a test must arrive through the client that is tested. Used
// by the routes of clients, the schedule of tests, and inbound SMS.

import { randomTestId } from '../../crypto/random.ts';
import { SwobError } from '../../errors.ts';
import type { MaybePromise } from '../../lib/maybe-promise.ts';
import type { LimitKey } from '../shared/limit-keys.ts';
import type { RateLimit } from '../shared/model.ts';
import type { Clock, LimitStore, RequestContext } from '../shared/ports.ts';
import { consumeAll, peekAll, rateLimited } from '../shared/rate-limiting.ts';
import type { Clients } from './clients.ts';
import { type ReliabilityTest, reliabilityPeriod } from './model.ts';
import type { ReliabilityTestStore } from './ports.ts';
import { createTestTimeouts } from './test-timeouts.ts';

export const testStatuses = ['pending', 'success', 'timedout'] as const;
export type TestStatus = (typeof testStatuses)[number];

/** What happened to a test; `refused`: an SMS looked like that of a test, and none fits. */
export type TestEvent = 'started' | 'success' | 'timedout' | 'cancelled' | 'refused';

/** A test whose SMS has not arrived after this time has failed. */
const testTimeoutMs = 600_000;

/** The SMS of a test, as it arrives. */
interface ArrivedSms {
  readonly msisdn: string;
  readonly text: string;
  /** As in `SmsOrigin` of inbound SMS. */
  readonly client?: string;
  readonly sentAt?: number;
  readonly receivedAt?: number;
}

export interface TestList {
  /** The newest first. */
  readonly tests: readonly (ReliabilityTest & { readonly status: TestStatus })[];
  /** Of all tests that match, not only of this page. */
  readonly total: number;
  readonly succeeded: number;
  readonly timedOut: number;
}

interface TestFilter {
  readonly status?: TestStatus | undefined;
  /** Bounds of the start, Unix times in milliseconds. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** From 1. */
  readonly page: number;
  readonly perPage: number;
}

export interface Reliability {
  /**
   * Starts a test of a known client on request; undefined when there is no such client. With `sender` only an SMS of
   * that number counts. Throws LIMITED, BAD_INPUT, UNAVAILABLE.
   */
  request(number: string, sender: string | undefined, address: string): Promise<ReliabilityTest | undefined>;
  /** Starts a test without limits. Throws UNAVAILABLE. */
  start(msisdn: string): Promise<ReliabilityTest>;
  /** Cancels a test whose SMS could not be sent. */
  cancel(test: ReliabilityTest): Promise<void>;
  /** As `ClientObserver` of inbound SMS says. Throws UNAVAILABLE. */
  recognise(sms: ArrivedSms, context: RequestContext): MaybePromise<'recorded' | 'refused' | undefined>;
  list(number: string, filter: TestFilter): Promise<TestList>;
  /** For each client the share of its tests that arrived in time, in percent: `0.00` to `100.00`. */
  percentages(msisdns: readonly string[]): Promise<readonly string[]>;
  /** Stops watching for tests that time out. */
  stop(): void;
}

export interface ReliabilityDeps {
  readonly store: { readonly tests: ReliabilityTestStore; readonly limits: LimitStore };
  readonly clients: Pick<Clients, 'find' | 'numberOf' | 'delivered'>;
  readonly clock: Clock;
  /** Tests that an address may start, and 20 times as many for one client. */
  readonly testLimit: RateLimit;
  /** SMS of an address that look like those of tests, and are not. */
  readonly guessLimit: RateLimit;
  /** The numbers that may send the SMS of tests; empty: every number. */
  readonly senders: readonly string[];
  readonly onEvent: (event: TestEvent) => void;
}

/** Ids are random, so that two are equal once in a billion. */
const maxIdAttempts = 5;

export function createReliability(deps: ReliabilityDeps): Reliability {
  const { store, clients, clock, testLimit, guessLimit, onEvent } = deps;
  const senders = new Set(deps.senders);
  const isAllowed = (sender: string): boolean => senders.size === 0 || senders.has(sender);
  const timeouts = createTestTimeouts(clock, testTimeoutMs, async (id) => {
    const test = await store.tests.get(id);
    if (test && statusOf(test, clock.now()) === 'timedout') onEvent('timedout');
  });

  const start = async (msisdn: string, sender?: string): Promise<ReliabilityTest> => {
    for (let attempt = 0; attempt < maxIdAttempts; attempt++) {
      const test: ReliabilityTest = {
        id: randomTestId(),
        msisdn,
        startedAt: clock.now(),
        ...(sender !== undefined && { sender }),
      };
      if (!(await store.tests.add(test))) continue;
      onEvent('started');
      timeouts.add(test.id);
      return test;
    }
    throw new SwobError('UNAVAILABLE', 'no free id for a reliability test; try again', { retryAfter: 1 });
  };

  const count = async (key: LimitKey): Promise<void> => {
    const exceeded = await consumeAll(store.limits, [key], testLimit);
    if (exceeded) throw rateLimited('reliability tests', exceeded.seconds);
  };

  /** Whether the SMS may be that of this test, whatever its status. */
  const fits = (test: ReliabilityTest, { client }: ArrivedSms, sender: string): boolean => {
    const number = client === undefined ? undefined : clients.numberOf(client);
    return (number ?? test.msisdn) === test.msisdn && (test.sender ?? sender) === sender;
  };

  const record = async (
    id: number,
    sms: ArrivedSms,
    address: string,
  ): Promise<'recorded' | 'repeated' | 'refused'> => {
    const sender = clients.numberOf(sms.msisdn);
    if (sender === undefined || !isAllowed(sender)) return 'refused';
    const test = await store.tests.get(id);
    if (!test || !fits(test, sms, sender)) return 'refused';
    const now = clock.now();
    // The same SMS again, whose first response may have been lost.
    if (test.routedAt !== undefined) return 'repeated';
    if (statusOf(test, now) !== 'pending') return 'refused';
    const arrived = {
      ...test,
      sender,
      ...(isPlausible(sms.sentAt, now) && { sentAt: sms.sentAt }),
      receivedAt: isPlausible(sms.receivedAt, now) ? sms.receivedAt : now,
      routedAt: now,
    };
    if (!(await store.tests.replace(arrived, test))) {
      const current = await store.tests.get(id);
      return current?.routedAt !== undefined && fits(current, sms, sender) ? 'repeated' : 'refused';
    }
    onEvent('success');
    clients.delivered(test.msisdn, address);
    return 'recorded';
  };

  const recogniseId = async (
    id: number,
    sms: ArrivedSms,
    address: string,
  ): Promise<'recorded' | 'refused' | undefined> => {
    const key = `test-id:address:${address}` as const;
    // An ordinary SMS then, which the limit of SMS bounds.
    if ((await peekAll(store.limits, key, guessLimit)) > 0) return undefined;
    const outcome = await record(id, sms, address);
    if (outcome === 'recorded') return outcome;
    // A repetition costs as much as a guess, and is as rare.
    await consumeAll(store.limits, [key], guessLimit);
    if (outcome === 'repeated') return 'recorded';
    onEvent('refused');
    return outcome;
  };

  return {
    start: (msisdn) => start(msisdn),
    request: async (number, sender, address) => {
      const canonical = sender === undefined ? undefined : clients.numberOf(sender);
      if (sender !== undefined && (canonical === undefined || !isAllowed(canonical))) {
        throw new SwobError('BAD_INPUT', 'sender is not a phone number that may send tests');
      }
      await count(`test:address:${address}`);
      const client = await clients.find(number);
      if (!client) return undefined;
      await count(`test:client:${client.msisdn}`);
      return start(client.msisdn, canonical);
    },
    cancel: async (test) => {
      if (await store.tests.replace({ ...test, cancelled: true }, test)) onEvent('cancelled');
    },
    recognise: (sms, { address }) => {
      const id = testIdOf(sms.text);
      return id === undefined ? undefined : recogniseId(id, sms, address);
    },
    list: async (number, { status, from = 0, to = Number.POSITIVE_INFINITY, page, perPage }) => {
      const now = clock.now();
      const tests = (await store.tests.list(clients.numberOf(number) ?? number))
        .map((test) => ({ ...test, status: statusOf(test, now) }))
        .filter((test) => (status ?? test.status) === test.status)
        .filter(({ startedAt }) => startedAt >= from && startedAt <= to);
      const countOf = (wanted: TestStatus) => tests.filter((test) => test.status === wanted).length;
      return {
        tests: tests.slice((page - 1) * perPage, page * perPage),
        total: tests.length,
        succeeded: countOf('success'),
        timedOut: countOf('timedout'),
      };
    },
    percentages: async (msisdns) => {
      const counts = await store.tests.count(msisdns, reliabilityPeriod(clock.now()));
      return counts.map(({ decided, inTime }) => (decided === 0 ? 0 : (100 * inTime) / decided).toFixed(2));
    },
    stop: timeouts.stop,
  };
}

function statusOf({ startedAt, routedAt }: ReliabilityTest, now: number): TestStatus {
  if (routedAt !== undefined) return 'success';
  return now - startedAt > testTimeoutMs ? 'timedout' : 'pending';
}

/** Whether a phone may have reported this time: not 0 for an unknown one, and not of a clock that was never set. */
function isPlausible(ms: number | undefined, now: number): ms is number {
  return ms !== undefined && Math.abs(ms - now) <= maxClockErrorMs;
}

const maxClockErrorMs = 7 * 86_400_000;

/** Far more white space than a phone adds to a text. */
const maxTextLength = 64;

/** The id that is the whole text of an SMS; undefined when it cannot be one. */
function testIdOf(text: string): number | undefined {
  if (text.length > maxTextLength) return undefined;
  const digits = /^\s*([12]\d{9})\s*$/.exec(text)?.[1];
  const id = Number(digits);
  return digits !== undefined && id < 2 ** 31 ? id : undefined;
}
