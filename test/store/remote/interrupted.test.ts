// Outboxes of two processes that use one store: what the one has begun when it dies, the other decides, as a process does after
// its own crash.

import { expect, test, vi } from 'vitest';
import type { InboundSms } from '../../../src/domain/inbound/model.ts';
import type { OutboxEntry } from '../../../src/domain/shared/model.ts';
import { createOutbox } from '../../../src/domain/shared/outbox.ts';
import type { OutboxOptions } from '../../../src/domain/shared/outbox-types.ts';
import { createMemoryLog } from '../../support/log.ts';
import { openTwo, type RemoteClient } from './support.ts';

const sms: InboundSms = { platform: 'gateway-client', msisdn: '+237650000001', text: 'x' };
const pollMs = 1_000;

function start(deliver: OutboxOptions<InboundSms>['deliver']) {
  const { one, other, clock } = openTwo();
  const interrupted = vi.fn(
    async () => ({ kind: 'retry', reason: 'unknown', counts: 'unknownOutcomes' }) as const,
  );
  const outboxOf = ({ store }: RemoteClient, itsDeliver: typeof deliver) =>
    createOutbox<InboundSms>({
      name: 'message',
      store: store.inbound,
      clock,
      log: createMemoryLog(),
      random: () => 1,
      concurrency: 2,
      maxAgeMs: 3_600_000,
      maxBackoffMs: 300_000,
      deliver: itsDeliver,
      onInterrupted: interrupted,
      deadLetterTtlMs: 86_400_000,
      pollIntervalMs: pollMs,
    });
  const delivered: OutboxEntry<InboundSms>[] = [];
  const here = outboxOf(one, deliver);
  const there = outboxOf(other, async (entry, beforeSend) => {
    await beforeSend();
    delivered.push(entry);
    return { kind: 'delivered' };
  });
  here.start();
  /** Lets time go by, a poll at a time, until this holds. */
  const eventually = (check: () => Promise<void> | void): Promise<void> =>
    vi.waitFor(async () => {
      try {
        await check();
      } catch (error) {
        clock.advance(pollMs);
        throw error;
      }
    });
  return { one, here, there, interrupted, delivered, eventually };
}

test('an attempt that a process had begun has an unknown outcome, which counts', async () => {
  const sent = vi.fn();
  const { one, here, there, interrupted, delivered, eventually } = start(async (_entry, beforeSend) => {
    await beforeSend();
    sent();
    return new Promise(() => {});
  });
  await here.add('a', sms);
  await vi.waitFor(() => expect(sent).toHaveBeenCalledOnce());
  there.start();
  one.pair.close();
  await eventually(() => expect(delivered).toHaveLength(1));
  expect(interrupted).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ id: 'a', attemptStartedAt: expect.any(Number) }),
  );
  expect(delivered).toMatchObject([{ id: 'a', attempts: 1, unknownOutcomes: 1 }]);
  there.stop();
});

test('an entry that a process had only claimed is attempted immediately, as if for the first time', async () => {
  const { one, there, here, interrupted, delivered, eventually } = start(() => new Promise(() => {}));
  await here.add('a', sms);
  await vi.waitFor(async () => expect(await one.store.inbound.nextDueAt()).toBeUndefined());
  there.start();
  one.pair.close();
  await eventually(() => expect(delivered).toMatchObject([{ id: 'a', attempts: 0 }]));
  expect(interrupted).not.toHaveBeenCalled();
  there.stop();
});
