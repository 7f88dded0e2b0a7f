// The outbox on the memory store and a fake clock: backoff, age, concurrency, stopping, and clocks that are set.

import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { appendHistory, backoffMs } from '../../../src/domain/shared/outbox-attempts.ts';
import { again, createFixture, retentionTimer, sms } from './outbox-fixture.ts';

describe('the outbox', () => {
  test('delivers immediately and removes the entry', async () => {
    const fixture = createFixture();
    fixture.outbox.start();
    await fixture.outbox.add('a', sms);
    await fixture.settle();
    expect(fixture.attempts.map(({ id }) => id)).toEqual(['a']);
    expect(await fixture.store.count()).toEqual({ waiting: 0, deadLetters: 0 });
    expect(fixture.clock.pending).toBe(retentionTimer);
  });

  test('doubles the pause each time, up to five minutes', async () => {
    const fixture = createFixture({ maxAgeMs: 86_400_000 });
    fixture.outcomes(again);
    fixture.outbox.start();
    await fixture.outbox.add('a', sms);
    await fixture.settle();
    for (const [index, pause] of [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].entries()) {
      expect(fixture.attempts).toHaveLength(index + 1);
      // No attempt before its time, although a timer may fire to recheck the clock.
      for (let left = pause * 1_000 - 1; left > 0; left -= 50_000) {
        fixture.clock.advance(Math.min(left, 50_000));
        await fixture.settle();
      }
      expect(fixture.attempts).toHaveLength(index + 1);
      fixture.clock.advance(1);
      await fixture.settle();
    }
    fixture.outcomes({ kind: 'delivered' });
    fixture.clock.advance(300_000);
    await fixture.settle();
    expect(await fixture.store.count()).toEqual({ waiting: 0, deadLetters: 0 });
  });

  test('dead-letters what is too old, and retries it when an operator requests it', async () => {
    const fixture = createFixture({ maxAgeMs: 5_000 });
    fixture.outcomes(again);
    fixture.outbox.start();
    await fixture.outbox.add('a', sms);
    await fixture.settle();
    for (let second = 0; second < 10; second++) {
      fixture.clock.advance(1_000);
      await fixture.settle();
    }
    expect(await fixture.store.count()).toEqual({ waiting: 0, deadLetters: 1 });
    const [failed] = await fixture.store.deadLetters(10);
    expect(failed?.history.map(({ event }) => event)).toEqual([
      'attempt 1 failed: answered 503',
      'attempt 2 failed: answered 503',
      'attempt 3 failed: answered 503',
      'attempt 4 failed: answered 503',
      'dead-lettered: too old',
    ]);
    const tries = fixture.attempts.length;
    fixture.clock.advance(3_600_000);
    await fixture.settle();
    expect(fixture.attempts).toHaveLength(tries);

    expect(await fixture.outbox.retry('unknown', 'operator')).toBe('unknown');
    fixture.outcomes(again, { kind: 'delivered' });
    expect(await fixture.outbox.retry('a', 'operator')).toBe('retried');
    await fixture.settle();
    expect(fixture.attempts.at(-1)).toMatchObject({ attempts: 0 });
    // It waits again; an operator can retry it immediately.
    expect(await fixture.outbox.retry('a', 'operator')).toBe('retried');
    await fixture.settle();
    expect(await fixture.store.count()).toEqual({ waiting: 0, deadLetters: 0 });
  });

  test('removes dead letters immediately where they are not kept', async () => {
    const fixture = createFixture({ deadLetterTtlMs: 0 });
    fixture.outcomes({ kind: 'dead-letter', reason: 'private address' });
    fixture.outbox.start();
    await fixture.outbox.add('a', sms);
    await fixture.settle();
    expect(await fixture.store.count()).toEqual({ waiting: 0, deadLetters: 0 });
    expect(fixture.log.lines).toContainEqual(expect.objectContaining({ level: 'error' }));
  });

  test.each([0, 86_400_000])('reports each dead letter once, also when they are kept %d ms', async (ttl) => {
    const fixture = createFixture({ maxAgeMs: 5_000, deadLetterTtlMs: ttl });
    const reported = () => fixture.onDeadLettered.mock.calls.length;
    const rejected = { kind: 'dead-letter', reason: 'answered 400' } as const;
    await fixture.outbox.addFailed('a', sms, again, []);
    expect(reported()).toBe(0);
    await fixture.outbox.addFailed('b', sms, rejected, []);
    expect(reported()).toBe(1);
    fixture.outcomes(rejected);
    expect(await fixture.outbox.deliverNow('c', sms, []).delivered).toBe(false);
    expect(reported()).toBe(2);
    fixture.outcomes(again);
    fixture.outbox.start();
    for (let second = 0; second < 10; second++) {
      fixture.clock.advance(1_000);
      await fixture.settle();
    }
    expect(reported()).toBe(3);
    // Another process has settled it meanwhile, and reports it.
    fixture.outcomes(rejected);
    vi.spyOn(fixture.store, 'settle').mockResolvedValueOnce(false);
    await fixture.outbox.add('d', sms);
    await fixture.settle();
    expect(reported()).toBe(3);
  });

  test('removes dead letters after their time to live, the oldest first', async () => {
    const fixture = createFixture({ deadLetterTtlMs: 3_600_000 });
    fixture.outcomes({ kind: 'dead-letter', reason: 'answered 400' });
    fixture.outbox.start();
    for (const id of ['a', 'b', 'c']) {
      await fixture.outbox.add(id, sms);
      await fixture.settle();
      fixture.clock.advance(1_900_000);
    }
    const kept = (await fixture.store.deadLetters(10)).map(({ id }) => id);
    expect(kept).toEqual(['b', 'c']);
  });

  test('retries a delivery that throws', async () => {
    const fixture = createFixture();
    fixture.deliver.mockRejectedValueOnce(new Error('a defect'));
    fixture.outbox.start();
    await fixture.outbox.add('a', sms);
    await fixture.settle();
    expect((await fixture.store.get('a'))?.history.at(-1)?.event).toBe('attempt 1 failed: a defect');
    fixture.clock.advance(1_000);
    await fixture.settle();
    expect(await fixture.store.get('a')).toBeUndefined();
  });

  test('stores a failed first attempt with its new content', async () => {
    const fixture = createFixture();
    fixture.outbox.start();
    const history = [{ at: 1, event: 'received' }];
    await fixture.outbox.addFailed('a', sms, { ...again, content: { ...sms, text: 'y' } }, history);
    expect(await fixture.store.get('a')).toMatchObject({ attempts: 1, content: { text: 'y' } });
    await fixture.settle();
    expect(fixture.attempts).toHaveLength(0);
    fixture.clock.advance(1_000);
    await fixture.settle();
    expect(fixture.attempts.map(({ content }) => content.text)).toEqual(['y']);
  });

  test('limits concurrent attempts, and delivers everything in the end', async () => {
    const fixture = createFixture({ concurrency: 3 });
    const gates: (() => void)[] = [];
    let most = 0;
    let now = 0;
    fixture.deliver.mockImplementation(async () => {
      most = Math.max(most, ++now);
      await new Promise<void>((resolve) => gates.push(resolve));
      now--;
      return { kind: 'delivered' };
    });
    fixture.outbox.start();
    for (let n = 0; n < 20; n++) await fixture.outbox.add(`p${n}`, sms);
    for (let n = 0; n < 20; n++) {
      await fixture.settle();
      gates.shift()?.();
    }
    await fixture.settle();
    expect(most).toBe(3);
    expect(fixture.deliver).toHaveBeenCalledTimes(20);
    expect(await fixture.store.count()).toEqual({ waiting: 0, deadLetters: 0 });
  });

  test('starts with the entries of an earlier process, but only once started', async () => {
    const fixture = createFixture();
    await fixture.outbox.add('a', sms);
    await fixture.settle();
    expect(fixture.attempts).toHaveLength(0);
    fixture.outbox.start();
    await fixture.settle();
    expect(fixture.attempts).toHaveLength(1);
  });

  test('starts no attempt once stopped, and idle waits for running ones', async () => {
    const fixture = createFixture();
    let finish = (): void => {};
    fixture.deliver.mockImplementationOnce(async () => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return again;
    });
    fixture.outbox.start();
    await fixture.outbox.add('a', sms);
    await fixture.settle();
    fixture.outbox.stop();
    const idle = fixture.outbox.idle();
    let rested = false;
    void idle.then(() => {
      rested = true;
    });
    await fixture.settle();
    expect(rested).toBe(false);
    finish();
    await idle;
    fixture.clock.advance(3_600_000);
    await fixture.settle();
    expect(fixture.deliver).toHaveBeenCalledTimes(1);
    expect((await fixture.store.get('a'))?.attempts).toBe(1);
    expect(fixture.clock.pending).toBe(0);
  });

  test('an interrupted attempt counts once, and the entry can be retried, when the next attempt is postponed', async () => {
    const interrupted = { ...again, reason: 'swob ended', pauseMs: 0, counts: 'unknownOutcomes' } as const;
    const fixture = createFixture({ onInterrupted: async () => interrupted });
    await fixture.store.put({
      ...{ id: 'a', content: sms, since: 0, dueAt: 0, attempts: 0, history: [] },
      attemptStartedAt: fixture.clock.now(),
    });
    fixture.outcomes({ kind: 'postponed', pauseMs: 1_000 });
    fixture.outbox.start();
    for (let second = 0; second < 3; second++) {
      await fixture.settle();
      fixture.clock.advance(1_000);
    }
    await fixture.settle();
    expect(fixture.attempts.length).toBeGreaterThan(2);
    expect(await fixture.store.get('a')).toMatchObject({ attempts: 1, unknownOutcomes: 1 });
    expect(await fixture.outbox.retry('a', 'operator')).toBe('retried');
  });

  test('a clock set back by a day delays nothing', async () => {
    const fixture = createFixture();
    fixture.outcomes(again, { kind: 'delivered' });
    fixture.outbox.start();
    await fixture.outbox.add('a', sms);
    await fixture.settle();
    fixture.clock.setWall(fixture.clock.now() - 86_400_000);
    for (let n = 0; n < 70; n++) {
      fixture.clock.advance(1_000);
      await fixture.settle();
    }
    expect(await fixture.store.get('a')).toBeUndefined();
  });
});

test('a pause is at least half of the full backoff, and at most five minutes', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (n, chance) => {
        const full = Math.min(300_000, 1_000 * 2 ** Math.min(n - 1, 20));
        const pause = backoffMs(n, 300_000, () => chance);
        expect(pause).toBeGreaterThanOrEqual(Math.floor(full / 2));
        expect(pause).toBeLessThanOrEqual(full);
      },
    ),
  );
});

test('a history keeps the first two events and the latest 18', () => {
  let history: ReturnType<typeof appendHistory> = [];
  for (let n = 1; n <= 50; n++) history = appendHistory(history, n, `event ${n}`);
  expect(history.map(({ at }) => at)).toEqual([1, 2, ...Array.from({ length: 18 }, (_, n) => n + 33)]);
});
