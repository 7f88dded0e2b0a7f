// Long SMS that a phone submits part by part: put together, kept, and given up after an hour.

import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decodeBase64 } from '../../../src/crypto/base64-text.ts';
import { user } from '../../contract/store.ts';
import { splitSms, versionedPayload, wrapped } from '../../support/relay-payloads.ts';
import { createRequestContext } from '../../support/request-context.ts';
import { encryptAsApp } from '../../support/sms.ts';
import { createFixture, message, msisdn } from './publishing-fixture.ts';

const longMessage = message.repeat(12);
const encrypted = () => encryptAsApp(user.sharedKey, longMessage);
const hourMs = 3_600_000;
const create = (relay?: object) => createFixture({ maxKept: 160, ...(relay && { relay }) });
type Fixture = Awaited<ReturnType<typeof create>>;

const kept = ({ store }: Fixture) => store.inbound.count();
const none = { waiting: 0, deadLetters: 0 };

describe('an encrypted SMS in parts', () => {
  test('in any order, one of them twice, and one late, is published once, without a relay', async () => {
    const fixture = await create();
    const parts = splitSms(encrypted());
    expect(parts.length).toBe(5);
    const order = [parts.length - 1, 2, 0, ...parts.keys()];
    const ids: string[] = [];
    for (const index of new Set(order)) {
      const { id, reply } = await fixture.receive(parts[index] ?? '');
      ids.push(id);
      const isLast = ids.length === parts.length;
      if (isLast) expect(reply).toBe('published');
      // The tail looks like an ordinary SMS.
      else if (index !== parts.length - 1)
        expect(await fixture.receive(parts[index] ?? '')).toEqual({ id, reply: 'accepted' });
      if (!isLast) await fixture.pass(600_000 / parts.length);
    }
    expect(fixture.publisher.publish.mock.calls.map(([, , sent]) => sent)).toEqual([longMessage]);
    expect(await kept(fixture)).toEqual(none);

    const whole = ids.at(-1) ?? '';
    const events = (await fixture.messageAdmin.trace(whole)).history.map(({ event }) => event);
    expect(events).toContain(`put together from ${parts.length} parts`);
    const trace = await fixture.messageAdmin.trace(ids[1] ?? '');
    expect(trace).toMatchObject({ id: ids[1], state: 'published' });
    expect(trace.history.map(({ event }) => event)).toContain(
      `put together with ${parts.length - 1} other parts: message ${whole}`,
    );
    // A part that arrives once more is not kept again; neither is the whole published again.
    expect(await fixture.receive(parts[1] ?? '')).toEqual({ id: whole, reply: 'accepted' });
    expect(await fixture.receive(parts.join(''))).toEqual({ id: whole, reply: 'published' });
    expect(await kept(fixture)).toEqual(none);
  });

  test('whose last part comes from a client that has gone since is published half a minute later, once', async () => {
    for (const isTail of [true, false]) {
      const fixture = await create();
      const text = encryptAsApp(user.sharedKey, longMessage);
      const cut = text.length - (text.length % 153);
      const parts = [...splitSms(text.slice(0, cut)), text.slice(cut)];
      const last = parts.splice(isTail ? -1 : 1, 1)[0] ?? '';
      for (const part of parts) await fixture.receive(part);
      const gone = { ...fixture.context, isAborted: () => true };
      await fixture.publishing.receive({ platform: 'gateway-client', msisdn, text: last }, gone);
      expect(fixture.publisher.publish).not.toHaveBeenCalled();
      await fixture.pass(30_000);
      expect(fixture.publisher.publish.mock.calls.map(([, , sent]) => sent)).toEqual([longMessage]);
      expect(await kept(fixture)).toEqual(none);
    }
  });

  test('that no key decrypts stays in parts, because another part may belong to it', async () => {
    const fixture = await create();
    let [first = '', second = '']: string[] = [];
    // A part that happens to be base64 by itself is an SMS of its own.
    do [first = '', second = ''] = splitSms(encryptAsApp('0'.repeat(32), message.repeat(3)));
    while (decodeBase64(second) !== undefined);
    await fixture.receive(first);
    expect((await fixture.receive(second)).reply).toBe('accepted');
    expect((await kept(fixture)).waiting).toBe(2);
  });

  test('whose short tail arrives first looks like an ordinary SMS, and is remembered', async () => {
    const fixture = await create();
    const text = encryptAsApp(user.sharedKey, longMessage);
    const cut = text.length - (text.length % 153);
    const parts = splitSms(text.slice(0, cut));
    const tail = text.slice(cut);
    const replies = [];
    for (const part of [tail, ...parts]) replies.push((await fixture.receive(part)).reply);
    expect(replies.at(-1)).toBe('published');
    expect(await kept(fixture)).toEqual(none);
  });
});

describe('a payload to relay, in parts', () => {
  const text = wrapped(versionedPayload(2, { ciphertext: randomBytes(300) }).toString('base64'));

  test('is relayed whole, even when all parts arrive at the same time', async () => {
    const fixture = await create({});
    const parts = splitSms(text);
    const replies = await Promise.all(parts.map((part) => fixture.receive(part)));
    expect(replies.filter(({ reply }) => reply === 'published').length).toBeGreaterThan(0);
    expect(fixture.relayPublisher.publish.mock.calls.map(([, , sent]) => sent)).toEqual([text]);
    await fixture.settle();
    expect(await kept(fixture)).toEqual(none);
  });

  test('is put together from parts that an earlier process has kept', async () => {
    const before = await create({});
    const [first = '', ...others] = splitSms(text);
    for (const part of others) await before.receive(part);
    before.publishing.outbox.stop();
    const after = await createFixture({ maxKept: 400, relay: {}, earlier: before.store });
    expect((await after.receive(first)).reply).toBe('published');
    expect(after.relayPublisher.publish.mock.calls.map(([, , sent]) => sent)).toEqual([text]);
    expect(await kept(after)).toEqual(none);
  });

  test('waits for the other parts when the wall clock is set ahead', async () => {
    const fixture = await create({});
    const [first = '', ...others] = splitSms(text);
    for (const part of others) await fixture.receive(part);
    fixture.clock.setWall(fixture.clock.now() + 2 * hourMs);
    await fixture.pass(120_000);
    expect((await kept(fixture)).deadLetters).toBe(0);
    expect((await fixture.receive(first)).reply).toBe('published');
    expect(fixture.relayPublisher.publish.mock.calls.map(([, , sent]) => sent)).toContain(text);
    expect(await kept(fixture)).toEqual(none);
  });

  test('that stays incomplete is dead-lettered after an hour, and completed when an operator retries it', async () => {
    const fixture = await create({});
    const [first = '', middle = '', last = ''] = splitSms(text);
    const { id } = await fixture.receive(first);
    await fixture.receive(middle);
    expect(await fixture.messageAdmin.waiting(9)).toMatchObject([
      { id, state: 'waiting' },
      { state: 'waiting' },
    ]);
    await fixture.pass(hourMs + 1_000);
    const dead = await fixture.messageAdmin.deadLetters(9);
    expect(dead.map(({ history }) => history.at(-2)?.event).toSorted()).toEqual([
      'attempt 1 failed: incomplete: 1 part of a longer SMS',
      'attempt 1 failed: incomplete: 2 parts of a longer SMS',
    ]);
    // Its tail decodes by itself, so that it is relayed alone, too.
    await fixture.receive(last);
    await fixture.messageAdmin.retryOldest();
    await fixture.settle();
    expect(fixture.relayPublisher.publish.mock.calls.map(([, , sent]) => sent)).toContain(text);
    expect((await fixture.messageAdmin.trace(id)).state).toBe('published');
  });

  test('R4 parts that never complete are bounded for each sender, address and in all', async () => {
    const fixture = await create({});
    const part = (n: number) =>
      versionedPayload(1, { ciphertext: Buffer.alloc(900, n) })
        .toString('base64')
        .slice(0, 153);
    const send = (n: number, from: string, address: string) =>
      fixture.publishing.receive(
        { platform: 'v3', msisdn: from, text: part(n) },
        createRequestContext(address),
      );
    for (let n = 0; n < 32; n++) expect((await send(n, '+1', `192.0.2.${n % 4}`)).reply).toBe('accepted');
    await expect(send(32, '+1', '192.0.2.9')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(fixture.refusedSms.list(1)).toMatchObject([{ reason: 'parts limit' }]);
    // The store is full with 40: the oldest part of the busiest address is evicted.
    for (let n = 0; n < 20; n++) await send(n, `+2${n}`, `192.0.3.${n}`);
    expect((await kept(fixture)).waiting).toBe(40);
    await fixture.pass(hourMs + 120_000);
    // Sixteen at a time.
    for (let n = 0; n < 4; n++) {
      await fixture.publishing.outbox.idle();
      await fixture.settle();
    }
    expect(await kept(fixture)).toEqual({ waiting: 0, deadLetters: 40 });
    // Dead letters of parts are evicted, too.
    expect((await fixture.receive(part(33))).reply).toBe('accepted');

    const small = await createFixture({ maxKept: 40, relay: {} });
    for (let n = 0; n < 5; n++) await small.receive(part(n), `+1${n}`);
    await expect(small.receive(part(5), '+15')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

test('what may be the end of a longer SMS, and is not, is refused after an hour', async () => {
  const fixture = await create();
  const { reply } = await fixture.receive('aGVsbG8gd29ybG=');
  expect(reply).toBe('accepted');
  await fixture.pass(hourMs + 1_000);
  expect(await kept(fixture)).toEqual(none);
  expect(fixture.refusedSms.list(9)).toMatchObject([{ reason: 'not base64' }]);
});
