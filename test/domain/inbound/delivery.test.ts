// How often a message is sent to a Publisher that delivers before it responds, and when the client gets its response.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maxRetryPauseMs, outcomeOf } from '../../../src/domain/inbound/delivery-policy.ts';
import type { Delivery, Publisher } from '../../../src/domain/inbound/ports.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import {
  createFixture,
  down,
  ending,
  failed,
  message,
  msisdn,
  sms,
  unanswered,
} from './publishing-fixture.ts';

const dayMs = 86_400_000;
const hourMs = 3_600_000;

/** A Publisher that responds when the test has it respond. */
function answeringLater() {
  const responses: ((delivery: Delivery) => void)[] = [];
  const publish: Publisher['publish'] = async (_id, _msisdn, _message, beforeSend) => {
    await beforeSend();
    return new Promise((resolve) => responses.push(resolve));
  };
  return { publish, resolveNext: (delivery: Delivery) => responses.shift()?.(delivery) };
}

describe('a message that got no response', () => {
  test('is sent once more after a long pause, then listed as outcome unknown', async () => {
    const fixture = await createFixture({ maxAgeMs: 30 * dayMs });
    fixture.publisher.publish.mockImplementation(ending(unanswered));
    const { id, reply } = await fixture.receive(sms());
    expect(reply).toBe('accepted');
    expect((await fixture.messageAdmin.waiting(9))[0]).toMatchObject({ id, state: 'waiting', attempts: 1 });
    await fixture.pass(599_000);
    expect(fixture.publisher.publish).toHaveBeenCalledTimes(1);
    await fixture.pass(20 * hourMs);
    expect(fixture.publisher.publish).toHaveBeenCalledTimes(2);
    const [listed] = await fixture.messageAdmin.deadLetters(9);
    expect(listed).toMatchObject({ id, state: 'outcome unknown', attempts: 2 });
    expect(listed?.history.map(({ event }) => event)).toEqual([
      'received by gateway-client',
      `attempt 1: outcome unknown: ${unanswered.reason}`,
      `attempt 2: outcome unknown: ${unanswered.reason}`,
      'dead-lettered',
    ]);
  });

  test('is retried once each time its sender submits it again, and when an operator requests it', async () => {
    const fixture = await createFixture({ maxAgeMs: 30 * dayMs });
    fixture.publisher.publish.mockImplementation(ending(unanswered));
    const text = sms();
    const { id } = await fixture.receive(text);
    await fixture.pass(hourMs);
    expect((await fixture.messageAdmin.trace(id)).state).toBe('outcome unknown');
    expect((await fixture.receive(text)).reply).toBe('accepted');
    await fixture.pass(dayMs);
    expect(fixture.publisher.publish).toHaveBeenCalledTimes(3);
    await fixture.messageAdmin.retry(id);
    await fixture.pass(dayMs);
    expect(fixture.publisher.publish).toHaveBeenCalledTimes(5);
    fixture.publisher.publish.mockImplementation(ending({ kind: 'published' }));
    expect((await fixture.receive(text)).reply).toBe('accepted');
    await fixture.settle();
    expect((await fixture.messageAdmin.trace(id)).state).toBe('published');
  });

  test('left by a killed process is repeated once, and never twice', async () => {
    const store = createMemoryStore(storeOptions(createFakeClock()));
    const texts = [sms()];
    for (const [round, attempts] of [1, 1, 0].entries()) {
      // As a killed process leaves it: the record without the claim.
      for (const entry of await store.inbound.waiting(9)) await store.inbound.put(entry);
      const fixture = await createFixture({ maxAgeMs: 30 * dayMs, earlier: store });
      fixture.publisher.publish.mockImplementation(answeringLater().publish);
      for (const text of texts.splice(0)) void fixture.receive(text);
      await fixture.pass(700_000);
      expect([round, fixture.publisher.publish.mock.calls.length]).toEqual([round, attempts]);
      fixture.publishing.outbox.stop();
    }
    const [listed] = await store.inbound.deadLetters(9);
    expect(listed?.unknownOutcomes).toBe(2);
    expect(listed?.history.at(-2)?.event).toContain(
      'outcome unknown: swob ended before the Publisher answered',
    );
  });
});

test('a message with a response 5xx is retried three times, after 10, 30 and 90 minutes', async () => {
  const fixture = await createFixture({ maxAgeMs: 30 * dayMs });
  fixture.publisher.publish.mockImplementation(ending(failed));
  const { id } = await fixture.receive(sms());
  const times = [0];
  for (let minute = 1; minute <= 24 * 60; minute++) {
    fixture.clock.advance(60_000);
    await fixture.settle();
    if (fixture.publisher.publish.mock.calls.length > times.length) times.push(minute);
  }
  expect(times).toEqual([0, 10, 40, 130]);
  expect(await fixture.messageAdmin.deadLetters(9)).toMatchObject([
    { id, state: 'dead-lettered', attempts: 4 },
  ]);
});

test('a message that could not be sent is retried for max_age, because nothing was delivered', async () => {
  const fixture = await createFixture({ maxAgeMs: dayMs });
  fixture.publisher.publish.mockImplementation(ending(down));
  const { id } = await fixture.receive(sms());
  await fixture.pass(23 * hourMs, 60_000);
  expect(fixture.publisher.publish.mock.calls.length).toBeGreaterThan(250);
  expect((await fixture.messageAdmin.trace(id)).state).toBe('waiting');
  await fixture.pass(2 * hourMs, 60_000);
  expect((await fixture.messageAdmin.trace(id)).state).toBe('dead-lettered');
});

describe('a client that submits an SMS', () => {
  test('gets the reply accepted after ten seconds, while the call to the Publisher continues', async () => {
    const fixture = await createFixture();
    const publisher = answeringLater();
    fixture.publisher.publish.mockImplementation(publisher.publish);
    const text = sms();
    const received = fixture.receive(text);
    await fixture.settle();
    await fixture.pass(9_999);
    fixture.clock.advance(1);
    const { id } = await received;
    expect(await received).toEqual({ id, reply: 'accepted' });
    expect((await fixture.messageAdmin.trace(id)).state).toBe('sending');
    // Neither the same SMS again nor a retry by an operator changes anything meanwhile.
    expect(await fixture.receive(text)).toEqual({ id, reply: 'accepted' });
    await expect(fixture.messageAdmin.retry(id)).rejects.toMatchObject({ code: 'CONFLICT' });
    publisher.resolveNext({ kind: 'published' });
    await fixture.settle();
    expect(fixture.publisher.publish).toHaveBeenCalledTimes(1);
    expect((await fixture.messageAdmin.trace(id)).state).toBe('published');
    expect(await fixture.receive(text)).toEqual({ id, reply: 'accepted' });
    expect(await fixture.store.inbound.count()).toEqual({ waiting: 0, deadLetters: 0 });
  });

  test('gets its reply immediately when swob stops, and the attempt is stored', async () => {
    const fixture = await createFixture();
    fixture.publisher.publish.mockImplementation(answeringLater().publish);
    const received = fixture.receive(sms());
    await fixture.settle();
    fixture.publishing.respondNow();
    expect((await received).reply).toBe('accepted');
    const [kept] = await fixture.store.inbound.waiting(9);
    expect(kept).toMatchObject({ attemptStartedAt: fixture.clock.now(), content: { msisdn, message } });
  });

  test('leaves no timer once the Publisher has responded', async () => {
    const fixture = await createFixture();
    const before = fixture.clock.pending;
    for (let n = 0; n < 5; n++) await fixture.receive(sms());
    expect(fixture.clock.pending).toBe(before);
  });
});

test('a dead-lettered SMS that is submitted again is retried', async () => {
  const fixture = await createFixture();
  fixture.publisher.publish.mockImplementationOnce(ending({ kind: 'rejected', reason: 'answered 400' }));
  const text = sms();
  const { id } = await fixture.receive(text);
  expect((await fixture.messageAdmin.trace(id)).state).toBe('dead-lettered');
  expect(await fixture.receive(text)).toEqual({ id, reply: 'accepted' });
  await fixture.settle();
  expect((await fixture.messageAdmin.trace(id)).state).toBe('published');
});

test('for every sequence of outcomes, attempts that may have delivered stay within their bounds', () => {
  const kinds = fc.constantFrom('not sent', 'refused', 'failed', 'unknown');
  fc.assert(
    fc.property(
      fc.nat(5),
      fc.nat(1),
      fc.array(kinds, { maxLength: 60 }),
      (retries, unknownRetries, responses) => {
        const policy = { retries, retryPauseMs: 1_000, unknownRetries };
        const made = { failures: 0, unknownOutcomes: 0 };
        for (const kind of responses) {
          const content = { platform: 'x', msisdn, text: 'y' };
          const outcome = outcomeOf(policy, { kind, reason: 'why' }, made, content);
          if (outcome.kind === 'delivered') throw new Error('it was not delivered');
          if (outcome.counts) made[outcome.counts]++;
          expect(outcome.pauseMs ?? 0).toBeLessThanOrEqual(Math.max(1_000, maxRetryPauseMs(policy)) * 3);
          if (outcome.kind === 'dead-letter') break;
        }
        expect(made.failures).toBeLessThanOrEqual(retries + 1);
        expect(made.unknownOutcomes).toBeLessThanOrEqual(unknownRetries + 1);
      },
    ),
  );
});
