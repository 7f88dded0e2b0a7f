// Whatever the payload, its length, the order of its parts, repetitions, and ordinary SMS in between: it is delivered once.

import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { user } from '../../contract/store.ts';
import { effort } from '../../support/effort.ts';
import {
  bridgePayload,
  payloadV0,
  splitSms,
  versionedPayload,
  wrapped,
} from '../../support/relay-payloads.ts';
import { encryptAsApp } from '../../support/sms.ts';
import { createFixture } from './publishing-fixture.ts';

const toText = {
  'v0, wrapped': (length: number) =>
    wrapped(payloadV0({ ciphertext: randomBytes(length) }).toString('base64')),
  'v2, wrapped': (length: number) =>
    wrapped(versionedPayload(2, { ciphertext: randomBytes(length) }).toString('base64')),
  v3: (length: number) => versionedPayload(3, { ciphertext: randomBytes(length) }).toString('base64'),
  bridge: (length: number) => bridgePayload({ ciphertext: randomBytes(length) }).toString('base64'),
  encrypted: (length: number) => encryptAsApp(user.sharedKey, 'x'.repeat(length)),
  'encrypted, wrapped': (length: number) => wrapped(encryptAsApp(user.sharedKey, 'x'.repeat(length))),
} as const;
// Without line breaks and a key, only the order of arrival distinguishes the middle parts.
const unordered = new Set(['v3', 'bridge']);

const cases = fc
  .record({
    kind: fc.constantFrom(...(Object.keys(toText) as (keyof typeof toText)[])),
    length: fc.integer({ min: 80, max: 500 }),
    order: fc.infiniteStream(fc.nat()),
    repeated: fc.nat(),
    ordinary: fc.constantFrom('Merci', 'ok', 'call me at 8', 'iPhone15', '4G'),
  })
  .map(({ order, ...each }) => ({ ...each, order: [...order.take(40)] }));

test('a long SMS is delivered once', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ kind, length, order, repeated, ordinary }) => {
      const text = toText[kind](length);
      const parts = splitSms(text);
      if (parts.length === 1 || (unordered.has(kind) && parts.length > 3)) return;
      const arrival = parts
        .map((part, index) => ({ part, place: order[index] ?? 0 }))
        .toSorted((a, b) => a.place - b.place)
        .map(({ part }) => part);
      const fixture = await createFixture({ maxKept: 160, relay: {} });
      for (const [index, part] of arrival.entries()) {
        await fixture.receive(part);
        if (index === repeated % arrival.length) await fixture.receive(part);
        await fixture.receive(ordinary);
      }
      const bare = text.replace(/[\s=]/g, '');
      const relayed = fixture.relayPublisher.publish.mock.calls.map(([, , sent]) => sent);
      const delivered = relayed.filter((sent) => sent.replace(/[\s=]/g, '') === bare).length;
      const published = fixture.publisher.publish.mock.calls.filter(
        ([, , sent]) => sent === 'x'.repeat(length),
      );
      expect([kind, length, delivered + published.length]).toEqual([kind, length, 1]);
      expect((await fixture.store.inbound.count()).waiting).toBe(0);
    }),
    { numRuns: 60 * effort },
  );
});
