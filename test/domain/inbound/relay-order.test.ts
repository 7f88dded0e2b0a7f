// In which order payloads are relayed, and how attempts are shared between two Publishers.

import { describe, expect, test } from 'vitest';
import { createRequestContext } from '../../support/request-context.ts';
import { createFixture, down, ending, published, sms } from './publishing-fixture.ts';
import { payload, relayedTexts, stranger } from './relay-fixture.ts';

describe('in which order', () => {
  test('the payloads of a sender one by one as they arrived, those of other senders meanwhile', async () => {
    const fixture = await createFixture({ relay: {} });
    fixture.relayPublisher.publish.mockImplementationOnce(ending(down));
    const texts = [payload(), payload(), payload()];
    for (const text of texts) expect((await fixture.receive(text, stranger)).reply).toBe('accepted');
    expect((await fixture.receive(payload(), '+237650000008')).reply).toBe('published');
    const listed = await fixture.messageAdmin.waiting(9);
    expect(listed.map(({ behind = false }) => behind)).toEqual([false, true, true]);
    await fixture.pass(2_000);
    expect(relayedTexts(fixture).filter(([number]) => number === stranger)).toEqual(
      [texts[0], ...texts].map((text) => [stranger, text]),
    );
    expect((await fixture.receive(payload(), stranger)).reply).toBe('published');
  });
});

test('a retry of all waiting messages is one of those that are not behind others, the oldest of which is reported', async () => {
  const fixture = await createFixture({ relay: {} });
  fixture.relayPublisher.publish.mockImplementation(ending(down));
  const started = fixture.clock.now();
  for (let n = 0; n < 5; n++) await fixture.receive(payload(), stranger);
  await fixture.pass(60_000);
  await fixture.receive(payload(), '+237650000008');
  expect(await fixture.messageAdmin.summary()).toMatchObject({ waiting: 6, oldest: started });
  fixture.relayPublisher.publish.mockImplementation(published);
  expect(await fixture.messageAdmin.retryWaiting()).toEqual({ retried: 2, left: 0 });
  await fixture.settle();
  expect((await fixture.messageAdmin.summary()).waiting).toBe(0);
});

test('a payload does not overtake an earlier one whose connection is still being opened', async () => {
  const fixture = await createFixture({ relay: {} });
  let connect = (): void => {};
  fixture.relayPublisher.publish.mockImplementationOnce(async (_id, _msisdn, _text, beforeSend) => {
    await new Promise<void>((resolve) => (connect = resolve));
    await beforeSend();
    return { kind: 'published' };
  });
  const texts = [payload(), payload(), payload()];
  const replies = texts.map((text) => fixture.receive(text, stranger));
  await fixture.settle();
  expect(relayedTexts(fixture)).toEqual([[stranger, texts[0]]]);
  connect();
  expect((await replies[0])?.reply).toBe('published');
  await Promise.all(replies);
  await fixture.settle();
  expect(relayedTexts(fixture)).toEqual(texts.map((text) => [stranger, text]));
});

test('a Publisher that hangs leaves attempts to the other one', async () => {
  const fixture = await createFixture({ relay: {} });
  fixture.relayPublisher.publish.mockImplementation(ending(down));
  const submit = (n: number) =>
    fixture.publishing.receive(
      { platform: 'gateway-client', msisdn: `+23765000${1000 + n}`, text: payload() },
      createRequestContext(`192.0.2.${n}`),
    );
  for (let n = 0; n < 20; n++) await submit(n);
  fixture.publisher.publish.mockImplementationOnce(ending(down));
  expect((await fixture.receive(sms())).reply).toBe('accepted');
  fixture.relayPublisher.publish.mockClear();
  fixture.relayPublisher.publish.mockImplementation(() => new Promise(() => {}));
  await fixture.pass(5_000);
  expect(fixture.relayPublisher.publish).toHaveBeenCalledTimes(12);
  expect(fixture.publisher.publish).toHaveBeenCalledTimes(2);
  // The postponed ones have no failed attempt in their history.
  const waiting = await fixture.messageAdmin.waiting(99);
  expect(waiting.map(({ attempts }) => attempts)).toEqual(Array(20).fill(1));
});
