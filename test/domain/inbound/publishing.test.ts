// Publishing on the memory store, with a user directory and a Publisher that fail as a test says.

import { describe, expect, test, vi } from 'vitest';
import { StoreFullError } from '../../../src/domain/shared/store-full-error.ts';
import { SwobError } from '../../../src/errors.ts';
import { user } from '../../contract/store.ts';
import { createRequestContext } from '../../support/request-context.ts';
import { encryptAsApp } from '../../support/sms.ts';
import {
  createFixture,
  down,
  ending,
  message,
  msisdn,
  published,
  rejected,
  sms,
} from './publishing-fixture.ts';

describe('an SMS', () => {
  test('is decrypted and published, and keeps its id', async () => {
    const fixture = await createFixture();
    const { id, reply } = await fixture.receive(sms());
    expect(reply).toBe('published');
    expect(fixture.publisher.publish.mock.calls).toEqual([[id, msisdn, message, expect.any(Function)]]);
    const trace = await fixture.messageAdmin.trace(id);
    expect(trace.state).toBe('published');
    expect(trace.history.map(({ event }) => event)).toEqual(['received by gateway-client', 'published']);
  });

  test('is published once when submitted again, with or without line breaks, and gets the same reply', async () => {
    const fixture = await createFixture();
    const text = sms();
    const first = await fixture.receive(text);
    expect(await fixture.receive(text)).toEqual(first);
    expect(await fixture.receive(`${text.replace(/.{76}/g, '$&\n')}\n`)).toEqual(first);
    // Both layers of base64 may contain white space.
    const inner = `${Buffer.from(text, 'base64').toString('latin1')}\n`;
    expect(await fixture.receive(Buffer.from(inner, 'latin1').toString('base64'))).toEqual(first);
    expect(fixture.publisher.publish).toHaveBeenCalledTimes(1);
  });

  test('is published once when submitted concurrently', async () => {
    const fixture = await createFixture();
    const text = sms();
    const all = await Promise.all(Array.from({ length: 20 }, () => fixture.receive(text)));
    expect(new Set(all.map(({ reply }) => reply))).toEqual(new Set(['published']));
    expect(fixture.publisher.publish).toHaveBeenCalledTimes(1);
  });

  test('of another sender is another message', async () => {
    const fixture = await createFixture();
    fixture.directory.userOf.mockResolvedValue({ kind: 'found', userId: user.userId });
    const text = sms();
    const one = await fixture.receive(text);
    const two = await fixture.receive(text, '+237650000000');
    expect(one.id).not.toBe(two.id);
    expect(fixture.publisher.publish).toHaveBeenCalledTimes(2);
  });

  test('is stored while the Publisher is down, then published once; its reply stays the same', async () => {
    const fixture = await createFixture();
    fixture.publisher.publish.mockImplementationOnce(ending(down)).mockImplementationOnce(ending(down));
    const text = sms();
    const { id, reply } = await fixture.receive(text);
    expect(reply).toBe('accepted');
    expect(await fixture.receive(text)).toEqual({ id, reply: 'accepted' });
    expect((await fixture.messageAdmin.trace(id)).state).toBe('waiting');
    for (let second = 0; second < 3; second++) {
      fixture.clock.advance(1_000);
      await fixture.settle();
    }
    expect(fixture.publisher.publish).toHaveBeenCalledTimes(3);
    expect(new Set(fixture.publisher.publish.mock.calls.map((call) => String(call.slice(0, 3))))).toEqual(
      new Set([String([id, msisdn, message])]),
    );
    expect(await fixture.receive(text)).toEqual({ id, reply: 'accepted' });
    const trace = await fixture.messageAdmin.trace(id);
    expect(trace.state).toBe('published');
    expect(trace.history.map(({ event }) => event)).toEqual([
      'received by gateway-client',
      `attempt 1 failed: ${down.reason}`,
      `attempt 2 failed: ${down.reason}`,
      'published',
    ]);
  });

  test('that was decrypted once is published even when its sender has paired again since', async () => {
    const fixture = await createFixture();
    fixture.publisher.publish.mockImplementationOnce(ending(down));
    await fixture.receive(sms());
    await fixture.store.users.put({ ...user, sharedKey: 'f'.repeat(32) });
    fixture.clock.advance(1_000);
    await fixture.settle();
    expect(fixture.publisher.publish.mock.calls.at(-1)?.[2]).toBe(message);
    expect(await fixture.store.inbound.count()).toEqual({ waiting: 0, deadLetters: 0 });
  });

  test('is stored while the back end is down', async () => {
    const fixture = await createFixture();
    fixture.directory.userOf.mockResolvedValueOnce({ kind: 'failed', reason: 'the back end failed' });
    expect((await fixture.receive(sms())).reply).toBe('accepted');
    expect(fixture.publisher.publish).not.toHaveBeenCalled();
    fixture.clock.advance(1_000);
    await fixture.settle();
    expect(fixture.publisher.publish).toHaveBeenCalledTimes(1);
  });

  test('is dropped without being sent when the back end, up again, knows no such user', async () => {
    const fixture = await createFixture();
    fixture.directory.userOf.mockResolvedValueOnce({ kind: 'failed', reason: 'the back end failed' });
    const { id } = await fixture.receive(sms(), '+237699999999');
    fixture.clock.advance(1_000);
    await fixture.settle();
    expect((await fixture.messageAdmin.trace(id)).state).toBe('refused');
    expect(await fixture.store.inbound.count()).toEqual({ waiting: 0, deadLetters: 0 });
    expect(fixture.publisher.publish).not.toHaveBeenCalled();
  });

  test('is not stored while too many lookups run, so that strangers cannot fill the outbox', async () => {
    const fixture = await createFixture();
    fixture.directory.userOf.mockResolvedValueOnce({ kind: 'overloaded', reason: 'too many lookups' });
    await expect(fixture.receive(sms())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await fixture.store.inbound.count()).toEqual({ waiting: 0, deadLetters: 0 });
  });

  test('that has to wait evicts the oldest dead letter, never a waiting message', async () => {
    const fixture = await createFixture();
    fixture.publisher.publish.mockImplementation(ending(rejected));
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) {
      fixture.clock.advance(1);
      ids.push((await fixture.receive(sms())).id);
    }
    fixture.publisher.publish.mockImplementation(ending(down));
    const put = fixture.store.inbound.put;
    const full = new StoreFullError('full');
    vi.spyOn(fixture.store.inbound, 'put').mockImplementation(async (entry) => {
      const { waiting, deadLetters: failed } = await fixture.store.inbound.count();
      if (waiting + failed >= 3 && !(await fixture.store.inbound.get(entry.id))) throw full;
      return put(entry);
    });
    expect((await fixture.receive(sms())).reply).toBe('accepted');
    expect((await fixture.messageAdmin.deadLetters(9)).map(({ id }) => id)).toEqual(ids.slice(1));
    await fixture.receive(sms());
    await fixture.receive(sms());
    expect(await fixture.store.inbound.count()).toEqual({ waiting: 3, deadLetters: 0 });
    await expect(fixture.receive(sms())).rejects.toBe(full);
  });

  test('that is a dead letter can be dropped, once', async () => {
    const fixture = await createFixture();
    fixture.publisher.publish.mockImplementationOnce(ending(rejected));
    const { id } = await fixture.receive(sms());
    await fixture.messageAdmin.drop(id);
    await expect(fixture.messageAdmin.drop(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await fixture.messageAdmin.deadLetters(9)).toEqual([]);
  });

  test('that the Publisher rejects is dead-lettered immediately and can be retried', async () => {
    const fixture = await createFixture();
    fixture.publisher.publish.mockImplementationOnce(ending(rejected));
    const { id, reply } = await fixture.receive(sms());
    expect(reply).toBe('accepted');
    const [failed, ...others] = await fixture.messageAdmin.deadLetters(10);
    expect(others).toEqual([]);
    expect(failed).toMatchObject({ id, state: 'dead-lettered', msisdn, attempts: 1 });
    expect(JSON.stringify(failed)).not.toContain('subject');
    await expect(fixture.messageAdmin.retry('0'.repeat(32))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await fixture.messageAdmin.retry(id);
    await fixture.settle();
    expect((await fixture.messageAdmin.trace(id)).state).toBe('published');
    expect(await fixture.messageAdmin.deadLetters(10)).toEqual([]);
  });

  test('is dead-lettered after max_age, and all dead letters can be retried', async () => {
    const fixture = await createFixture();
    fixture.publisher.publish.mockImplementation(ending(down));
    const texts = Array.from({ length: 7 }, sms);
    for (const text of texts) expect((await fixture.receive(text)).reply).toBe('accepted');
    for (let second = 0; second < 130; second++) {
      fixture.clock.advance(1_000);
      await fixture.settle();
    }
    expect(await fixture.store.inbound.count()).toEqual({ waiting: 0, deadLetters: 7 });
    fixture.publisher.publish.mockImplementation(published);
    expect(await fixture.messageAdmin.retryOldest()).toEqual({ retried: 7, left: 0 });
    await fixture.settle();
    expect(await fixture.store.inbound.count()).toEqual({ waiting: 0, deadLetters: 0 });
  });

  test('is UNAVAILABLE when it can be neither published nor stored', async () => {
    const fixture = await createFixture();
    fixture.publisher.publish.mockImplementation(ending(down));
    vi.spyOn(fixture.store.inbound, 'put').mockRejectedValue(new SwobError('UNAVAILABLE', 'disk full'));
    const text = sms();
    await expect(fixture.receive(text)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    // Nothing is stored of it: submitted again, it is attempted again.
    fixture.publisher.publish.mockImplementation(published);
    expect((await fixture.receive(text)).reply).toBe('published');
  });

  test('that is published is not sent again when its receipt cannot be stored', async () => {
    const fixture = await createFixture();
    const put = fixture.store.receipts.put;
    vi.spyOn(fixture.store.receipts, 'put').mockImplementation(async (key, value) => {
      await put(key, value);
      throw new SwobError('UNAVAILABLE', 'disk full');
    });
    const text = sms();
    expect((await fixture.receive(text)).reply).toBe('published');
    expect((await fixture.receive(text)).reply).toBe('published');
    expect(fixture.publisher.publish).toHaveBeenCalledTimes(1);
  });

  test('left by a process that was killed after publishing it is not sent again', async () => {
    const fixture = await createFixture();
    fixture.publisher.publish.mockImplementationOnce(ending(down));
    const { id } = await fixture.receive(sms());
    await fixture.store.receipts.put(id, { reply: 'accepted', history: [] });
    fixture.clock.advance(1_000);
    await fixture.settle();
    expect(fixture.publisher.publish).toHaveBeenCalledTimes(1);
    expect(await fixture.store.inbound.get(id)).toBeUndefined();
  });
});

describe('an SMS that is refused', () => {
  test.each([
    ['an ordinary one', 'hello'],
    ['an unknown sender', encryptAsApp(user.sharedKey, message), '+237600000000'],
    ['a sender without a number', encryptAsApp(user.sharedKey, message), 'MTN'],
    ['another key', encryptAsApp('0'.repeat(32), message)],
    ['a dummy key, from an unknown number', encryptAsApp('0'.repeat(32), message), '+237600000000'],
    ['no text inside', encryptAsApp(user.sharedKey, '')],
    ['bytes that are not UTF-8', encryptAsApp(user.sharedKey, Buffer.from([0xff, 0xfe, 0x80]))],
  ])('%s is refused, published nowhere, kept nowhere', async (_what, text, from = msisdn) => {
    const fixture = await createFixture();
    expect((await fixture.receive(text, from)).reply).toBe('refused');
    expect(fixture.publisher.publish).not.toHaveBeenCalled();
    expect(await fixture.store.inbound.count()).toEqual({ waiting: 0, deadLetters: 0 });
    // It is published when its sender pairs later and submits it again.
    expect((await fixture.receive(sms())).reply).toBe('published');
  });

  test('causes no calls when its format is wrong', async () => {
    const fixture = await createFixture();
    await fixture.receive('hello');
    await fixture.receive(sms(), 'MTN');
    expect(fixture.directory.userOf).not.toHaveBeenCalled();
  });
});

test('an address that submits too much is limited, whatever the senders', async () => {
  const fixture = await createFixture();
  for (let n = 0; n < 100; n++) await fixture.receive('hello', `+1${n}`);
  await expect(fixture.receive('hello', '+2')).rejects.toMatchObject({ code: 'LIMITED' });
});

test('L7 the limit of a sender is far higher than that of one address', async () => {
  const fixture = await createFixture();
  const from = (text: string, number: string, address: string) =>
    fixture.publishing.receive({ platform: 'twilio', msisdn: number, text }, createRequestContext(address));
  for (let n = 0; n < 100; n++) await from(sms(), msisdn, '192.0.2.66');
  expect((await from(sms(), msisdn, '192.0.2.1')).reply).toBe('published');
  for (let n = 101; n < 2_000; n++) await from(sms(), msisdn, `192.0.3.${n % 200}`);
  await expect(from(sms(), msisdn, '192.0.2.200')).rejects.toMatchObject({ code: 'LIMITED' });
  expect((await from(sms(), '+237650000000', '192.0.2.200')).reply).toBe('refused');
});

test('an invalid sender is never a key of a limit, however long it is', async () => {
  const fixture = await createFixture();
  const take = vi.spyOn(fixture.store.limits, 'consume');
  await fixture.receive(sms(), 'x'.repeat(100_000));
  expect(take.mock.calls.map(([key]) => key)).toEqual(['sms:address:192.0.2.1']);
});

test('no log line contains the text of a message or its sender', async () => {
  const fixture = await createFixture();
  fixture.publisher.publish.mockImplementationOnce(ending(rejected));
  await fixture.receive(sms());
  await fixture.receive(sms());
  const written = JSON.stringify([fixture.log.lines, fixture.context.log.lines]);
  expect(written).toContain('published');
  for (const secret of [message, 'subject', user.sharedKey, msisdn]) expect(written).not.toContain(secret);
});
