// The keys that an SMS is decrypted with, SMS that none of them decrypts, and the age of messages when the clock is
// wrong.

import { describe, expect, test } from 'vitest';
import { formerKeysAfter, maxFormerKeys } from '../../../src/domain/shared/user-keys.ts';
import { user } from '../../contract/store.ts';
import { encryptAsApp } from '../../support/sms.ts';
import { createFixture, down, ending, message, msisdn, sms } from './publishing-fixture.ts';

const away = { kind: 'failed', reason: 'the back end failed' } as const;
const dayMs = 86_400_000;
const key = (letter: string): string => letter.repeat(32);

describe('an SMS of a user who has paired again', () => {
  test('that was accepted while the back end was down is published', async () => {
    const fixture = await createFixture();
    fixture.directory.userOf.mockResolvedValueOnce(away);
    const { id, reply } = await fixture.receive(sms());
    expect(reply).toBe('accepted');
    const formerKeys = [{ sharedKey: user.sharedKey, replacedAt: fixture.clock.now() / 1_000 }];
    await fixture.store.users.put({ ...user, sharedKey: key('e'), formerKeys });
    await fixture.pass(2_000);
    expect(fixture.publisher.publish.mock.calls.map((call) => call[2])).toEqual([message]);
    expect((await fixture.messageAdmin.trace(id)).state).toBe('published');
  });

  test.each([1, 2, 3])('is read with the key before the last, %d pairings ago', async (ago) => {
    const fixture = await createFixture();
    const keys = [key('a'), key('b'), key('c')];
    keys[ago - 1] = user.sharedKey;
    const formerKeys = keys.map((sharedKey) => ({ sharedKey, replacedAt: 1 }));
    await fixture.store.users.put({ ...user, sharedKey: key('e'), formerKeys });
    expect((await fixture.receive(sms())).reply).toBe('published');
    expect((await fixture.receive(encryptAsApp(key('e'), message))).reply).toBe('published');
  });

  test('that no key decrypts is dead-lettered if it was accepted before, and refused if it is new', async () => {
    const fixture = await createFixture();
    const text = encryptAsApp(key('d'), message);
    expect(await fixture.receive(text)).toMatchObject({ reply: 'refused' });
    fixture.directory.userOf.mockResolvedValueOnce(away);
    const { id } = await fixture.receive(encryptAsApp(key('d'), message));
    await fixture.pass(2_000);
    const [listed, ...others] = await fixture.messageAdmin.deadLetters(9);
    expect(others).toEqual([]);
    expect(listed).toMatchObject({ id, state: 'dead-lettered', msisdn });
    expect(listed?.history.at(-2)?.event).toContain('does not decrypt under a key of its user');
    expect(fixture.publisher.publish).not.toHaveBeenCalled();
  });
});

test('the last three former keys are kept, also when the wall clock is years ahead', () => {
  const paired = (sharedKey: string, formerKeys = formerKeysAfter(undefined, 0)) => ({
    ...user,
    sharedKey,
    formerKeys,
  });
  const first = formerKeysAfter(paired(key('a')), 1_000);
  expect(first).toEqual([{ sharedKey: key('a'), replacedAt: 1_000 }]);
  const second = formerKeysAfter(paired(key('b'), first), 1_000 + 86_399);
  expect(second.map(({ sharedKey }) => sharedKey)).toEqual([key('b'), key('a')]);
  const third = formerKeysAfter(paired(key('c'), second), 1_000 + 86_400 * 3_650);
  expect(third.map(({ sharedKey }) => sharedKey)).toEqual([key('c'), key('b'), key('a')]);
  let many = third;
  for (let n = 0; n < 9; n++) many = formerKeysAfter(paired(key(String(n)), many), 90_000);
  expect(many).toHaveLength(maxFormerKeys);
});

describe('a clock that is set forward by ten years', () => {
  const tenYears = 10 * 365 * dayMs;

  test('dead-letters no recent message', async () => {
    const fixture = await createFixture({ maxAgeMs: dayMs });
    fixture.publisher.publish.mockImplementation(ending(down));
    const { id } = await fixture.receive(sms());
    await fixture.pass(3_600_000);
    fixture.clock.setWall(fixture.clock.now() + tenYears);
    await fixture.pass(22 * 3_600_000);
    expect((await fixture.messageAdmin.trace(id)).state).toBe('waiting');
    await fixture.pass(2 * 3_600_000);
    expect((await fixture.messageAdmin.trace(id)).state).toBe('dead-lettered');
  });

  test('removes no dead letter, in this process or the next one', async () => {
    const first = await createFixture();
    first.publisher.publish.mockImplementation(ending({ kind: 'rejected', reason: 'answered 400' }));
    const { id } = await first.receive(sms());
    first.clock.setWall(first.clock.now() + tenYears);
    await first.pass(3_600_000);
    expect((await first.messageAdmin.trace(id)).state).toBe('dead-lettered');
    first.publishing.outbox.stop();

    const next = await createFixture({ earlier: first.store });
    next.clock.setWall(next.clock.now() + 2 * tenYears);
    await next.pass(20 * 3_600_000, 600_000);
    expect((await next.messageAdmin.trace(id)).state).toBe('dead-lettered');
    // It is 21 hours old, plus the bounded part of the ten years.
    await next.pass(7 * 3_600_000, 600_000);
    await expect(next.messageAdmin.trace(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('a restart while the clock is wrong dead-letters no waiting message', async () => {
    const first = await createFixture({ maxAgeMs: dayMs });
    first.publisher.publish.mockImplementation(ending(down));
    const { id } = await first.receive(sms());
    first.publishing.outbox.stop();
    const next = await createFixture({ maxAgeMs: dayMs, earlier: first.store });
    next.publisher.publish.mockImplementation(ending(down));
    next.clock.setWall(next.clock.now() + tenYears);
    await next.pass(10 * 60_000);
    expect(next.publisher.publish.mock.calls.length).toBeGreaterThan(3);
    expect((await next.messageAdmin.trace(id)).state).toBe('waiting');
  });
});

test('the time to live of a dead letter starts when it is dead-lettered', async () => {
  const fixture = await createFixture({ maxAgeMs: 2 * dayMs });
  fixture.publisher.publish.mockImplementation(ending(down));
  const { id } = await fixture.receive(sms());
  // Its time to live is a day; it has waited for longer.
  await fixture.pass(49 * 3_600_000);
  expect((await fixture.messageAdmin.trace(id)).state).toBe('dead-lettered');
  await fixture.pass(22 * 3_600_000, 600_000);
  expect((await fixture.messageAdmin.trace(id)).state).toBe('dead-lettered');
  await fixture.pass(6 * 3_600_000, 600_000);
  await expect(fixture.messageAdmin.trace(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
