// Payloads of strangers are bounded, and are evicted in favour of the messages of users. docs/protocol.md, R2. The store holds 40 messages.

import { describe, expect, test } from 'vitest';
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
