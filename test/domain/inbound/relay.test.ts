// Relaying to a RelaySMS Publisher, on the memory store and a fake clock: what is relayed, and until when.

import { describe, expect, test } from 'vitest';
import { payloadV0, versionedPayload } from '../../support/relay-payloads.ts';
import { encryptAsApp } from '../../support/sms.ts';
import {
  createFixture,
  down,
  ending,
  failed,
  message,
  published,
  rejected,
  sms,
  unanswered,
} from './publishing-fixture.ts';
import { type Fixture, payload, relayedTexts, stranger } from './relay-fixture.ts';

const away = { kind: 'failed', reason: 'the back end failed' } as const;
const dayMs = 86_400_000;

const events = async ({ messageAdmin }: Fixture, id: string) =>
  (await messageAdmin.trace(id)).history.map(({ event }) => event);

describe('what is relayed', () => {
  test('a payload that is not of our format, unchanged, once, and its trace says so', async () => {
    const fixture = await createFixture({ relay: {} });
    const text = payload();
    const { id, reply } = await fixture.receive(text, stranger);
    expect(reply).toBe('published');
    expect(fixture.relayPublisher.publish.mock.calls).toEqual([[id, stranger, text, expect.any(Function)]]);
    expect(await events(fixture, id)).toEqual([
      'received by gateway-client',
      'relayed to the RelaySMS Publisher',
    ]);
    expect(await fixture.receive(`${text}\n`, stranger)).toEqual({ id, reply: 'published' });
    expect(relayedTexts(fixture)).toHaveLength(1);
    expect(fixture.directory.userOf).not.toHaveBeenCalled();
  });

  test.each([
    ['URL-safe', payloadV0({ ciphertext: Buffer.alloc(60, 0xfb) }).toString('base64url')],
    [
      'unpadded',
      versionedPayload(2, { ciphertext: Buffer.alloc(21, 7) })
        .toString('base64')
        .replace(/=+$/, ''),
    ],
    ['of eight bytes', 'AQIDBAUGBwg='],
  ])('base64 that is %s, with the same characters', async (_name, text) => {
    const fixture = await createFixture({ relay: {} });
    expect((await fixture.receive(text, stranger)).reply).toBe('published');
    expect(relayedTexts(fixture)).toEqual([[stranger, text]]);
  });

  test('an SMS in our form of an unknown number or of a user who has not paired, not what a user’s key does not decrypt', async () => {
    const fixture = await createFixture({ relay: {} });
    const text = sms();
    expect((await fixture.receive(text, stranger)).reply).toBe('published');
    fixture.directory.userOf.mockResolvedValueOnce({ kind: 'found', userId: 'nobody' });
    expect((await fixture.receive(text, '+237650000008')).reply).toBe('published');
    expect((await fixture.receive(encryptAsApp('f'.repeat(32), message))).reply).toBe('refused');
    expect((await fixture.receive(text)).reply).toBe('published');
    expect(fixture.publisher.publish.mock.calls.map((call) => call[2])).toEqual([message]);
    expect(relayedTexts(fixture)).toEqual([
      [stranger, text],
      ['+237650000008', text],
    ]);
  });

  test('neither ordinary SMS, short base64, nor the SMS of alphanumeric senders', async () => {
    const fixture = await createFixture({ relay: {} });
    for (const text of ['Bonjour, ça va?', 'Hello there, see you at 5 pm', 'abcd', 'AQIDBAUGBw=='])
      expect([text, (await fixture.receive(text, stranger)).reply]).toEqual([text, 'refused']);
    expect((await fixture.receive(payload(), 'MTN')).reply).toBe('refused');
    expect(relayedTexts(fixture)).toEqual([]);
    expect(
      fixture.refusedSms
        .list(9)
        .map(({ reason }) => reason)
        .sort(),
    ).toEqual([...Array(4).fill('not base64'), 'sender']);
  });

  test('nothing without a relay, or from a country that is not allowed', async () => {
    const without = await createFixture();
    const { id, reply } = await without.receive(payload(), stranger);
    expect(reply).toBe('refused');
    expect(without.refusedSms.find(id)).toMatchObject({ reason: 'no relay' });
    const allowed = await createFixture({ relay: { isAllowed: (number) => number.startsWith('+234') } });
    for (const text of [payload(), sms()]) {
      const refused = await allowed.receive(text, stranger);
      expect(refused.reply).toBe('refused');
      expect(allowed.refusedSms.find(refused.id)).toMatchObject({ reason: 'country' });
    }
    expect((await allowed.receive(payload(), '+2348030000000')).reply).toBe('published');
    expect(relayedTexts(allowed)).toHaveLength(1);
  });

  test('an SMS that was kept while the back end was down, once it turns out to be of an unknown number', async () => {
    const fixture = await createFixture({ relay: {} });
    fixture.directory.userOf.mockResolvedValueOnce(away);
    const text = sms();
    const { id, reply } = await fixture.receive(text, stranger);
    expect(reply).toBe('accepted');
    expect(fixture.publishing.unverified().kept).toBe(1);
    // It arrives later, and is relayed after it.
    const later = payload();
    expect((await fixture.receive(later, stranger)).reply).toBe('accepted');
    fixture.relayPublisher.publish.mockImplementationOnce(ending(failed));
    await fixture.pass(2_000);
    expect(fixture.publishing.unverified().kept).toBe(0);
    expect(fixture.publishing.relayed().kept).toBe(2);
    expect(await fixture.messageAdmin.trace(id)).toMatchObject({ state: 'waiting', relayed: true });
    await fixture.pass(10_000);
    expect(relayedTexts(fixture)).toEqual([
      [stranger, text],
      [stranger, text],
      [stranger, later],
    ]);
    expect(fixture.publishing.relayed().kept).toBe(0);
    expect(await events(fixture, id)).toContain('relayed to the RelaySMS Publisher');
  });
});

describe('when it is repeated', () => {
  test.each([
    ['failed', failed],
    ['cannot be reached', down],
    ['refuses the client', { kind: 'refused', reason: 'the RelaySMS Publisher at x answered 404' }],
    ['does not answer', unanswered],
  ] as const)('a Publisher that %s is tried again with backoff, until max_age', async (_name, delivery) => {
    const fixture = await createFixture({ relay: {} });
    fixture.relayPublisher.publish.mockImplementation(ending(delivery));
    const { id, reply } = await fixture.receive(payload(), stranger);
    expect(reply).toBe('accepted');
    expect(await fixture.messageAdmin.trace(id)).toMatchObject({ state: 'waiting', relayed: true });
    await fixture.pass(dayMs / 2);
    expect(relayedTexts(fixture).length).toBeGreaterThan(20);
    expect((await fixture.messageAdmin.trace(id)).state).toBe('waiting');
    await fixture.pass(dayMs);
    const [dead] = await fixture.messageAdmin.deadLetters(9);
    expect(dead).toMatchObject({ id, relayed: true });
    expect(dead?.history.at(-1)?.event).toBe('dead-lettered: too old');
    fixture.relayPublisher.publish.mockImplementation(published);
    await fixture.messageAdmin.retry(id);
    await fixture.settle();
    expect((await fixture.messageAdmin.trace(id)).state).toBe('published');
  });

  test('a malformed payload is dead-lettered immediately, and lets the others of its sender pass', async () => {
    const fixture = await createFixture({ relay: {} });
    fixture.relayPublisher.publish.mockImplementationOnce(ending(rejected));
    const { id, reply } = await fixture.receive(payload(), stranger);
    expect(reply).toBe('accepted');
    expect((await fixture.receive(payload(), stranger)).reply).toBe('published');
    expect((await fixture.messageAdmin.deadLetters(9)).map((each) => each.id)).toEqual([id]);
    await fixture.publishing.outbox.drop(id);
    expect(fixture.publishing.relayed().kept).toBe(0);
  });

  test('an attempt that a killed process has left is repeated', async () => {
    const first = await createFixture({ relay: {} });
    first.relayPublisher.publish.mockImplementation(async (_id, _msisdn, _text, beforeSend) => {
      await beforeSend();
      return new Promise(() => {});
    });
    const text = payload();
    void first.receive(text, stranger);
    await first.settle();
    const [entry] = await first.store.inbound.waiting(9);
    if (!entry) throw new Error('nothing was stored');
    expect(entry.attemptStartedAt).toBeDefined();
    // The next process finds it unclaimed.
    await first.store.inbound.postpone(entry.id, 0);
    const next = await createFixture({ relay: {}, earlier: first.store });
    await next.settle();
    expect(relayedTexts(next)).toEqual([[stranger, text]]);
    expect(await events(next, entry.id)).toEqual([
      'received by gateway-client',
      'attempt 1: outcome unknown: swob ended before the RelaySMS Publisher answered, so that it is repeated',
      'relayed to the RelaySMS Publisher',
    ]);
  });
});
