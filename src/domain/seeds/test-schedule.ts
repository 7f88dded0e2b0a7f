// Starts reliability tests of all active gateway clients at an interval, and has their SMS sent. Used by the composition
// root.

import { messageOf } from '../../errors.ts';
import { mapConcurrent } from '../../lib/concurrency.ts';
import type { Clock, LeaseStore, Log } from '../shared/ports.ts';
import type { Clients, ClientView } from './clients.ts';
import type { Reliability } from './reliability.ts';

/** Whether the SMS was sent; `reason` is for operators. */
export type TestSmsResult =
  | { readonly kind: 'sent' | 'unconfirmed' }
  | { readonly kind: 'not sent'; readonly reason: string };

export interface TestSchedule {
  /** The first round starts after one interval. */
  start(): void;
  /** Resolves once the running round has ended, which starts no further test. */
  stop(): Promise<void>;
}

export interface TestScheduleDeps {
  readonly everyMs: number;
  readonly clients: Pick<Clients, 'list'>;
  readonly reliability: Pick<Reliability, 'start' | 'cancel'>;
  /** Sends a text to a number. */
  readonly send: (number: string, text: string) => Promise<TestSmsResult>;
  /** Where other processes share the store: one of them runs a round. */
  readonly leases: LeaseStore | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Tests of one round; the next round continues with the other clients. */
const maxTestsPerRound = 500;
const concurrency = 8;
/** A phone that has delivered nothing for longer is tested no more, since every SMS costs. */
const activeMs = 7 * 86_400_000;
/** A little less than an interval, so that rounds of one process may start late without skipping one. */
const leaseShare = 0.9;

export function createTestSchedule(deps: TestScheduleDeps): TestSchedule {
  const { everyMs, clients, reliability, leases, clock, log } = deps;
  let stopTimer: (() => void) | undefined;
  let isStopping = false;
  let running: Promise<void> | undefined;
  let lastTested = '';

  const testClient = async ({ msisdn }: ClientView): Promise<string | undefined> => {
    if (isStopping) return undefined;
    const test = await reliability.start(msisdn);
    // A rejection, such as for too many open files, says nothing about the client either.
    const result = await deps
      .send(msisdn, String(test.id))
      .catch((error: unknown) => ({ kind: 'not sent' as const, reason: messageOf(error) }));
    if (result.kind !== 'not sent') return undefined;
    await reliability.cancel(test);
    return result.reason;
  };

  /** In the order of their numbers from the last one on, so that every client has its turn. */
  const clientsOfRound = async (): Promise<readonly ClientView[]> => {
    const since = clock.now() - activeMs;
    const active = (await clients.list())
      .filter(({ isActive, lastSeenAt }) => isActive || lastSeenAt >= since)
      .sort((a, b) => (a.msisdn < b.msisdn ? -1 : 1));
    const first = active.findIndex(({ msisdn }) => msisdn > lastTested);
    return [...active.slice(Math.max(0, first)), ...active.slice(0, Math.max(0, first))].slice(
      0,
      maxTestsPerRound,
    );
  };

  const round = async (): Promise<void> => {
    if (leases && !(await leases.acquire('reliability:round', Math.ceil(everyMs * leaseShare))).acquired)
      return;
    const tested = await clientsOfRound();
    lastTested = tested.at(-1)?.msisdn ?? '';
    let notSent = 0;
    let reason: string | undefined;
    for await (const failure of mapConcurrent(tested, concurrency, testClient)) {
      if (failure === undefined) continue;
      notSent++;
      reason ??= failure;
    }
    if (notSent > 0)
      log.warn({ tests: tested.length, notSent, reason }, 'SMS of reliability tests were not sent');
    else log.info({ tests: tested.length }, 'reliability tests have started');
  };
  const runRound = (): void => {
    // A round that takes longer than the interval continues instead of the next one.
    running ??= round()
      .catch((error: unknown) =>
        log.warn({ reason: messageOf(error) }, 'a round of reliability tests failed'),
      )
      .finally(() => {
        running = undefined;
      });
  };

  return {
    start: () => {
      stopTimer = clock.every(everyMs, runRound);
    },
    stop: async () => {
      isStopping = true;
      stopTimer?.();
      await running;
    },
  };
}
