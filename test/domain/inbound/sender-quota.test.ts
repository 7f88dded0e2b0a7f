// SMS whose senders cannot be verified while the back end is down: few for each sender and address, and evicted first.
// docs/protocol.md, R2. The store of these tests holds 40 messages.

import { describe, expect, test } from 'vitest';
import { SwobError } from '../../../src/errors.ts';
import { user } from '../../contract/store.ts';
import { createRequestContext } from '../../support/request-context.ts';
import { encryptAsApp } from '../../support/sms.ts';
import { createFixture, down, ending, message, msisdn, rejected, sms } from './publishing-fixture.ts';

const away = { kind: 'failed', reason: 'the back end failed' } as const;
const strangers = () => encryptAsApp('f'.repeat(32), 'g:spam');

async function createAway(earlier?: Awaited<ReturnType<typeof createFixture>>) {
  const fixture = await createFixture({ maxAgeMs: 86_400_000, ...(earlier && { earlier: earlier.store }) });
  fixture.directory.userOf.mockResolvedValue(away);
  let next = 0;
  const from = (address: string, number = `+2376990${String(next++).padStart(5, '0')}`, text = strangers()) =>
    fixture.publishing
      .receive({ platform: 'gateway-client', msisdn: number, text }, createRequestContext(address))
      .then(({ reply }) => reply)
      .catch((error: unknown) => (error instanceof SwobError ? error.code : 'defect'));
  return { ...fixture, from };
}

describe('while the back end is down', () => {
  test('one address fills at most a tenth of the outbox, and others are not refused', async () => {
    const fixture = await createAway();
    const responses = await Promise.all(Array.from({ length: 30 }, () => fixture.from('192.0.2.66')));
    expect(responses.filter((reply) => reply === 'accepted')).toHaveLength(4);
    expect(new Set(responses)).toEqual(new Set(['accepted', 'UNAVAILABLE']));
    expect(await fixture.from('192.0.2.1')).toBe('accepted');
    expect(fixture.publishing.unverified()).toEqual({ kept: 5, refused: 26, evicted: 0 });
    expect(await fixture.messageAdmin.refused(99)).toHaveLength(26);
  });

  test('one sender has at most ten SMS, from any number of addresses', async () => {
    const fixture = await createAway();
    for (let n = 0; n < 10; n++) expect(await fixture.from(`192.0.2.${n}`, '+1')).toBe('accepted');
    expect(await fixture.from('192.0.2.99', '+1')).toBe('UNAVAILABLE');
    expect(await fixture.from('192.0.2.99', '+2')).toBe('accepted');
  });

  test('together they fill half of the outbox; then the oldest of the largest address is evicted', async () => {
    const fixture = await createAway();
    for (let n = 0; n < 4; n++) await fixture.from('192.0.2.1');
    for (let n = 0; n < 40; n++) expect(await fixture.from(`198.51.100.${n}`)).toBe('accepted');
    expect(await fixture.store.inbound.count()).toEqual({ waiting: 20, deadLetters: 0 });
    expect(fixture.publishing.unverified()).toEqual({ kept: 20, refused: 0, evicted: 24 });
  });

  test('a user verified before is recognised by the key, whatever strangers do', async () => {
    const fixture = await createAway();
    fixture.directory.userOf.mockResolvedValueOnce({ kind: 'found', userId: user.userId });
    expect(await fixture.from('192.0.2.1', msisdn, sms())).toBe('published');
    for (let n = 0; n < 6; n++) await fixture.from('192.0.2.1');
    for (let n = 0; n < 12; n++) expect(await fixture.from('192.0.2.1', msisdn, sms())).toBe('accepted');
    // Without the key the number proves nothing.
    expect(await fixture.from('192.0.2.1', msisdn)).toBe('UNAVAILABLE');
    expect(fixture.publishing.unverified().kept).toBe(4);
  });

  test('they are evicted in favour of SMS of users, before dead letters are', async () => {
    const fixture = await createAway();
    fixture.directory.userOf.mockImplementation(async () => ({ kind: 'found', userId: user.userId }));
    fixture.publisher.publish.mockImplementation(ending(rejected));
    for (let n = 0; n < 20; n++) expect(await fixture.from('192.0.2.1', msisdn, sms())).toBe('accepted');
    fixture.directory.userOf.mockResolvedValue(away);
    for (let n = 0; n < 20; n++) expect(await fixture.from(`198.51.100.${n}`)).toBe('accepted');
    expect(await fixture.store.inbound.count()).toEqual({ waiting: 20, deadLetters: 20 });
    // When the store is full, SMS of strangers evict no dead letters.
    expect(await fixture.from('203.0.113.1')).toBe('accepted');
    expect(await fixture.store.inbound.count()).toEqual({ waiting: 20, deadLetters: 20 });

    fixture.directory.userOf.mockImplementation(async () => ({ kind: 'found', userId: user.userId }));
    fixture.publisher.publish.mockImplementation(ending(down));
    for (let n = 0; n < 20; n++) expect(await fixture.from('192.0.2.2', msisdn, sms())).toBe('accepted');
    expect(await fixture.store.inbound.count()).toEqual({ waiting: 20, deadLetters: 20 });
    expect(fixture.publishing.unverified()).toMatchObject({ kept: 0, evicted: 21 });
    expect(await fixture.from('192.0.2.2', msisdn, sms())).toBe('accepted');
    expect(await fixture.store.inbound.count()).toEqual({ waiting: 21, deadLetters: 19 });
  });

  test('they no longer count once their senders are verified', async () => {
    const fixture = await createAway();
    for (let n = 0; n < 4; n++) expect(await fixture.from('192.0.2.1', msisdn, sms())).toBe('accepted');
    expect(await fixture.from('192.0.2.1', msisdn, sms())).toBe('UNAVAILABLE');
    fixture.directory.userOf.mockImplementation(async () => ({ kind: 'found', userId: user.userId }));
    await fixture.pass(2_000);
    expect(fixture.publisher.publish.mock.calls.map((call) => call[2])).toEqual(Array(4).fill(message));
    expect(fixture.publishing.unverified().kept).toBe(0);
    for (const entry of await fixture.store.inbound.deadLetters(9))
      expect(entry.content.address).toBeUndefined();
  });

  test('a restart counts those that are stored', async () => {
    const first = await createAway();
    for (let n = 0; n < 4; n++) await first.from('192.0.2.1');
    first.publishing.outbox.stop();
    const next = await createAway(first);
    await next.settle();
    expect(next.publishing.unverified().kept).toBe(4);
    expect(await next.from('192.0.2.1')).toBe('UNAVAILABLE');
  });
});
