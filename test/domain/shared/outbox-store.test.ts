// The outbox on a store that fails, is full, or is shared with other processes.

import { describe, expect, test, vi } from 'vitest';
import { retentionSweepMs } from '../../../src/domain/shared/outbox-retention.ts';
import { SwobError } from '../../../src/errors.ts';
import { again, createFixture, retentionTimer, sms } from './outbox-fixture.ts';

describe('the outbox', () => {
  test('pauses while the store cannot be written, so that nothing is delivered over and over', async () => {
    const fixture = createFixture();
    fixture.outbox.start();
    const settling = vi.spyOn(fixture.store, 'settle').mockRejectedValue(new Error('disk full'));
    await fixture.outbox.add('a', sms);
    await fixture.settle();
    await fixture.outbox.add('b', sms);
    await fixture.settle();
    expect(fixture.attempts).toHaveLength(1);
    settling.mockRestore();
    fixture.clock.advance(5_000);
    await fixture.settle();
    expect(await fixture.store.count()).toEqual({ waiting: 0, deadLetters: 0 });
    const lines = fixture.log.lines.filter(({ level }) => level === 'error');
    expect(lines).toEqual([expect.objectContaining({ fields: { reason: 'disk full' } })]);
  });

  test('a store that can be read, but not written, is an error once a minute', async () => {
    const fixture = createFixture();
    fixture.outbox.start();
    vi.spyOn(fixture.store, 'settle').mockRejectedValue(new Error('disk full'));
    await fixture.outbox.add('a', sms);
    for (let seconds = 0; seconds < 120; seconds += 5) {
      await fixture.settle();
      fixture.clock.advance(5_000);
    }
    expect(fixture.attempts.length).toBeGreaterThan(20);
    expect(fixture.log.lines.filter(({ level }) => level === 'error')).toHaveLength(2);
  });

  test('a retry that is requested while the entry is being claimed starts no second attempt', async () => {
    const fixture = createFixture();
    const ends: (() => void)[] = [];
    fixture.deliver.mockImplementation(
      () => new Promise((resolve) => ends.push(() => resolve({ kind: 'delivered' }))),
    );
    const { claim } = fixture.store;
    let answerClaim = (): void => {};
    vi.spyOn(fixture.store, 'claim').mockImplementationOnce(async (...args) => {
      const ids = await claim(...args);
      await new Promise<void>((resolve) => {
        answerClaim = resolve;
      });
      return ids;
    });
    await fixture.outbox.add('a', sms);
    fixture.outbox.start();
    await fixture.settle();
    expect(await fixture.outbox.retry('a', 'operator')).toBe('retried');
    answerClaim();
    await fixture.settle();
    expect(ends).toHaveLength(1);
    for (const end of ends) end();
    await fixture.settle();
    expect(await fixture.store.count()).toEqual({ waiting: 0, deadLetters: 0 });
    expect(await fixture.store.claim(fixture.clock.now(), 9)).toEqual([]);
  });

  test('an entry that another process makes due again is attempted, though it is claimed before the end of its attempt is known', async () => {
    const fixture = createFixture({ pollIntervalMs: 1_000 });
    const { settle } = fixture.store;
    vi.spyOn(fixture.store, 'settle').mockImplementationOnce(async (id, next) => {
      const entry = await fixture.store.get(id);
      if (entry) await fixture.store.put(entry);
      const isSettled = await settle(id, next);
      fixture.clock.advance(1_000);
      await fixture.settle();
      return isSettled;
    });
    await fixture.outbox.add('a', sms);
    fixture.outbox.start();
    await vi.waitFor(() => expect(fixture.attempts).toHaveLength(2));
    await fixture.settle();
    expect(await fixture.store.count()).toEqual({ waiting: 0, deadLetters: 0 });
  });

  test('a retry that is requested while the age of the dead letter is stored is not lost', async () => {
    const fixture = createFixture();
    fixture.outcomes({ kind: 'dead-letter', reason: 'rejected' }, { kind: 'delivered' });
    fixture.outbox.start();
    await fixture.outbox.add('a', sms);
    await fixture.settle();
    const { get } = fixture.store;
    let answerGet = (): void => {};
    vi.spyOn(fixture.store, 'get').mockImplementationOnce(async (id) => {
      const found = await get(id);
      await new Promise<void>((resolve) => {
        answerGet = resolve;
      });
      return found;
    });
    fixture.clock.advance(retentionSweepMs(86_400_000));
    await fixture.settle();
    const retried = fixture.outbox.retry('a', 'operator');
    await fixture.settle();
    answerGet();
    expect(await retried).toBe('retried');
    await fixture.settle();
    expect(await fixture.store.count()).toEqual({ waiting: 0, deadLetters: 0 });
  });

  test.each([
    ['stores its age', 0],
    ['retries it, too', 1],
  ])(
    'a dead letter that another process retries and delivers while this one %s does not come back',
    async (_what, isRetry) => {
      const fixture = createFixture();
      const { store, outbox, settle } = fixture;
      fixture.outcomes({ kind: 'dead-letter', reason: 'rejected' });
      outbox.start();
      await outbox.add('a', sms);
      await settle();
      const { get } = store;
      vi.spyOn(store, 'get').mockImplementationOnce(async (id) => {
        const found = await get(id);
        await store.remove(id);
        return found;
      });
      if (isRetry) expect(await outbox.retry('a', 'operator')).toBe('busy');
      else fixture.clock.advance(retentionSweepMs(86_400_000));
      await settle();
      expect(await store.count()).toEqual({ waiting: 0, deadLetters: 0 });
      expect(fixture.attempts).toHaveLength(1);
    },
  );

  test('an unreadable entry blocks no other, and is retried', async () => {
    const fixture = createFixture();
    const get = fixture.store.get;
    let damaged = true;
    vi.spyOn(fixture.store, 'get').mockImplementation(async (id) => {
      if (id === 'a' && damaged) throw new Error('a record is damaged');
      return get(id);
    });
    fixture.outbox.start();
    for (const id of ['a', 'b', 'c', 'd']) await fixture.outbox.add(id, sms);
    await fixture.settle();
    expect(fixture.attempts.map(({ id }) => id)).toEqual(['b', 'c', 'd']);
    for (let n = 0; n < 30; n++) {
      fixture.clock.advance(1_000);
      await fixture.settle();
    }
    expect(fixture.log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    damaged = false;
    for (let n = 0; n < 31; n++) {
      fixture.clock.advance(1_000);
      await fixture.settle();
    }
    expect(fixture.attempts.map(({ id }) => id)).toEqual(['b', 'c', 'd', 'a']);
    expect(fixture.clock.pending).toBe(retentionTimer);
  });

  test('an entry that cannot be read because the store fails is an outage of the store', async () => {
    const fixture = createFixture({ pollIntervalMs: 1_000 });
    const { store, outbox, log, clock, settle } = fixture;
    outbox.start();
    await settle();
    const spies = [vi.spyOn(store, 'get'), vi.spyOn(store, 'postpone')];
    for (const spy of spies) spy.mockRejectedValue(new Error('failing over'));
    for (const id of ['a', 'b']) await outbox.add(id, sms);
    await settle();
    expect(fixture.attempts).toEqual([]);
    const errors = log.lines.filter(({ level }) => level === 'error');
    expect(errors.map(({ message }) => message)).toEqual([
      'the store cannot be used now; no message is attempted',
    ]);
    for (const spy of spies) spy.mockRestore();
    clock.advance(5_000);
    await settle();
    // A claim that could not be released expires in Redis; in memory it ends with its process.
    for (const id of ['a', 'b']) await store.postpone(id, clock.now());
    clock.advance(5_000);
    await settle();
    expect(fixture.attempts).toHaveLength(2);
  });

  test('an entry that is not durable yet is attempted once it is, where only durable ones are', async () => {
    const fixture = createFixture({ onlyDurable: true });
    const { store, outbox, log, clock, settle } = fixture;
    outbox.start();
    const getDurable = vi.spyOn(store, 'getDurable').mockRejectedValue(new Error('no replica'));
    await outbox.add('a', sms);
    await settle();
    clock.advance(5_000);
    await settle();
    expect(fixture.attempts).toEqual([]);
    expect(log.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { message: 'the store cannot be used now; no message is attempted' },
    ]);
    getDurable.mockRestore();
    clock.advance(5_000);
    await settle();
    expect(fixture.attempts.map(({ attempts }) => attempts)).toEqual([0]);
  });

  test('dead letters are evicted when the store is full, and kept when it is unavailable', async () => {
    const fixture = createFixture();
    const old = { content: sms, since: fixture.clock.now(), dueAt: null, attempts: 9, history: [] };
    for (let n = 0; n < 40; n++) await fixture.store.put({ ...old, id: `old ${n}` });
    const away = new SwobError(
      'UNAVAILABLE',
      'Redis at a:6379 has not answered for 2000 ms: see whether it runs',
    );
    const putting = vi.spyOn(fixture.store, 'put').mockRejectedValueOnce(away);
    await expect(fixture.outbox.add('a', sms)).rejects.toBe(away);
    expect(putting).toHaveBeenCalledTimes(1);
    expect(await fixture.store.count()).toEqual({ waiting: 0, deadLetters: 40 });
    await fixture.outbox.add('a', sms);
    expect(await fixture.store.count()).toEqual({ waiting: 1, deadLetters: 39 });
  });

  test('leaves an entry that another process has taken over', async () => {
    const fixture = createFixture();
    fixture.outcomes(again);
    vi.spyOn(fixture.store, 'settle').mockResolvedValue(false);
    fixture.outbox.start();
    await fixture.outbox.add('a', sms);
    await fixture.settle();
    expect(fixture.attempts).toHaveLength(1);
    expect((await fixture.store.get('a'))?.attempts).toBe(0);
    expect(fixture.log.lines.at(-1)).toMatchObject({ level: 'warn', fields: { id: 'a' } });
  });

  test('stopped between a claim and its attempts, releases the claimed entries', async () => {
    const fixture = createFixture();
    const claim = fixture.store.claim;
    vi.spyOn(fixture.store, 'claim').mockImplementation(async (now, limit) => {
      const ids = await claim(now, limit);
      fixture.outbox.stop();
      return ids;
    });
    await fixture.outbox.add('a', sms);
    fixture.outbox.start();
    await fixture.settle();
    expect(fixture.attempts).toEqual([]);
    expect(await fixture.store.nextDueAt()).toBe(fixture.clock.now());
  });

  test('logs an outage of the store once', async () => {
    const fixture = createFixture({ pollIntervalMs: 2_000 });
    const away = vi.spyOn(fixture.store, 'nextDueAt').mockRejectedValue(new Error('away'));
    fixture.outbox.start();
    const errors = () => fixture.log.lines.filter(({ level }) => level === 'error').length;
    const wait = async (seconds: number) => {
      for (let second = 0; second < seconds; second++) {
        await fixture.settle();
        fixture.clock.advance(1_000);
      }
      await fixture.settle();
    };
    await wait(60);
    expect(away.mock.calls.length).toBeGreaterThan(5);
    expect(errors()).toBe(1);
    away.mockRestore();
    await wait(10);
    vi.spyOn(fixture.store, 'nextDueAt').mockRejectedValue(new Error('away again'));
    await wait(10);
    expect(errors()).toBe(2);
  });

  test('polls for entries of other processes where the store is shared', async () => {
    const fixture = createFixture({ pollIntervalMs: 2_000 });
    fixture.outbox.start();
    await fixture.settle();
    const now = fixture.clock.now();
    await fixture.store.put({ id: 'b', content: sms, since: now, dueAt: now, attempts: 0, history: [] });
    fixture.clock.advance(2_000);
    await fixture.settle();
    expect(fixture.attempts.map(({ id }) => id)).toEqual(['b']);
    expect(fixture.clock.pending).toBe(1 + retentionTimer);
  });
});
