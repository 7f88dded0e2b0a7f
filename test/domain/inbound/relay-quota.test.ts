// Payloads of strangers are bounded, and are evicted in favour of the messages of users. docs/protocol.md, R2. The store holds 40 messages.

import { describe, expect, test, vi } from 'vitest';
import { SwobError } from '../../../src/errors.ts';
import { createRequestContext } from '../../support/request-context.ts';
import { createFixture, down, ending, rejected, sms } from './publishing-fixture.ts';
import { type Fixture, payload, relayedTexts } from './relay-fixture.ts';

describe('R2: strangers', () => {
  const flood = async (fixture: Fixture, count: number, numberOf: (n: number) => string) => {
    const replies: string[] = [];
    for (let n = 0; n < count; n++) {
      const reply = await fixture.receive(payload(), numberOf(n)).catch((error) => error);
      replies.push(reply.reply ?? `${reply.code} ${reply.retryAfter}`);
    }
    return replies;
  };

  test('an address fills a quarter of the outbox at most, dead letters included', async () => {
    const fixture = await createFixture({ relay: {} });
    fixture.relayPublisher.publish.mockImplementation(ending(rejected));
    const replies = await flood(fixture, 12, (n) => `+23765000${1000 + n}`);
    expect(replies).toEqual([...Array(10).fill('accepted'), ...Array(2).fill('UNAVAILABLE 30')]);
    expect(fixture.publishing.relayed()).toEqual({ kept: 10, refused: 2, evicted: 0 });
    expect(fixture.refusedSms.list(1)).toMatchObject([{ reason: 'relay quota' }]);
    const restarted = await createFixture({ relay: {}, earlier: fixture.store });
    await restarted.settle();
    expect(restarted.publishing.relayed().kept).toBe(10);
  });

  test('those that are relayed while a start counts them are not counted', async () => {
    const first = await createFixture({ relay: {} });
    first.relayPublisher.publish.mockImplementation(ending(down));
    await flood(first, 8, (n) => `+23765000${1000 + n}`);
    first.publishing.outbox.stop();
    const next = await createFixture({ relay: {}, earlier: first.store });
    await next.pass(10_000);
    expect(relayedTexts(next)).toHaveLength(8);
    expect(next.publishing.relayed().kept).toBe(0);
  });

  test('those that another node has delivered leave room, also behind a dead letter', async () => {
    const fixture = await createFixture({ relay: {} });
    fixture.relayPublisher.publish.mockImplementation(ending(rejected));
    await flood(fixture, 1, () => '+237650000999');
    fixture.relayPublisher.publish.mockImplementation(ending(down));
    expect(await flood(fixture, 10, (n) => `+23765000${1000 + n}`)).toContain('UNAVAILABLE 30');
    for (const { id } of await fixture.store.inbound.waiting(99)) await fixture.store.inbound.remove(id);
    expect(await flood(fixture, 9, (n) => `+23765000${2000 + n}`)).toEqual(Array(9).fill('accepted'));
    expect(fixture.publishing.relayed().kept).toBe(10);
  });

  test('none is evicted as long as one that counts is gone', async () => {
    const fixture = await createFixture({ relay: {} });
    fixture.relayPublisher.publish.mockImplementation(ending(down));
    const from = (n: number) =>
      fixture.publishing.receive(
        { platform: 'gateway-client', msisdn: `+23765000${1000 + n}`, text: payload() },
        createRequestContext(`198.51.100.${n}`),
      );
    const received = [];
    for (let n = 0; n < 20; n++) received.push(await from(n));
    await fixture.store.inbound.remove(received[4]?.id ?? '');
    await from(20);
    expect(fixture.publishing.relayed()).toEqual({ kept: 20, refused: 0, evicted: 0 });
    expect(await fixture.store.inbound.count()).toEqual({ waiting: 20, deadLetters: 0 });
    await from(21);
    expect(fixture.publishing.relayed()).toEqual({ kept: 20, refused: 0, evicted: 1 });
  });

  test('one that is dropped counts no longer, and one that is not a dead letter still does', async () => {
    const fixture = await createFixture({ relay: {} });
    fixture.relayPublisher.publish.mockImplementation(ending(rejected));
    await flood(fixture, 1, () => '+237650000998');
    fixture.relayPublisher.publish.mockImplementation(ending(down));
    await flood(fixture, 1, () => '+237650000999');
    const [waiting] = await fixture.store.inbound.waiting(9);
    const [deadLetter] = await fixture.store.inbound.deadLetters(9);
    expect(await fixture.publishing.outbox.drop(waiting?.id ?? '')).toBe(false);
    expect(fixture.publishing.relayed().kept).toBe(2);
    expect(await fixture.publishing.outbox.drop(deadLetter?.id ?? '')).toBe(true);
    expect(fixture.publishing.relayed().kept).toBe(1);
  });

  test('a store that cannot be written is no reason that concerns the SMS', async () => {
    const fixture = await createFixture({ relay: {} });
    fixture.relayPublisher.publish.mockImplementation(ending(down));
    vi.spyOn(fixture.store.inbound, 'put').mockRejectedValue(new SwobError('UNAVAILABLE', 'no answer'));
    expect(await flood(fixture, 1, () => '+237650001000')).toEqual(['UNAVAILABLE undefined']);
    expect(fixture.refusedSms.list(9)).toEqual([]);
    expect(fixture.publishing.relayed()).toEqual({ kept: 0, refused: 0, evicted: 0 });
  });

  test('they are evicted in favour of the messages of users, which they never evict', async () => {
    const fixture = await createFixture({ relay: {} });
    fixture.publisher.publish.mockImplementation(ending(down));
    fixture.relayPublisher.publish.mockImplementation(ending(down));
    for (let n = 0; n < 30; n++) await fixture.receive(sms());
    await flood(fixture, 12, (n) => `+23765000${1000 + n}`);
    expect(await fixture.store.inbound.count()).toEqual({ waiting: 40, deadLetters: 0 });
    for (let n = 0; n < 5; n++) expect((await fixture.receive(sms())).reply).toBe('accepted');
    const kept = await fixture.store.inbound.waiting(99);
    expect(kept.filter(({ content }) => content.message !== undefined)).toHaveLength(35);
    expect(fixture.publishing.relayed()).toMatchObject({ kept: 5, evicted: 5 });
    expect(fixture.refusedSms.list(9).filter(({ reason }) => reason === 'evicted')).toHaveLength(5);
  });
});
