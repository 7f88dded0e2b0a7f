// Parts that anybody can send so that they fit in many ways: how much of them is decoded and decrypted before others have their turn.

import { expect, onTestFinished, test, vi } from 'vitest';
import { partLength } from '../../../src/domain/inbound/part-assembly.ts';
import { wrapped } from '../../support/relay-payloads.ts';
import { createFixture, msisdn } from './publishing-fixture.ts';

const encoded = (content: string) => wrapped(Buffer.from(content).toString('base64')).slice(0, partLength);
const content = (length: number, n: number) =>
  (String.fromCharCode(65 + n) + 'Qk0z'.repeat(40)).slice(0, length);
// Each of the ends makes whole blocks with the first of the parts and thirteen others, in any order.
const tails = Array.from({ length: 16 }, (_, n) => Buffer.from(content(84, n)).toString('base64'));
const parts = Array.from({ length: 15 }, (_, n) => encoded(content(114, n)));
const first = encoded('0123456789abcdef'.padEnd(114, 'Ab01'));

type Fixture = Awaited<ReturnType<typeof createFixture>>;

interface Work {
  /** Characters of base64. */
  decoded: number;
  /** Texts, for each of which the user is looked up. */
  decrypted: number;
}

/** What is done while `run` runs: in all, and at most in one turn of the event loop. */
async function workOf(
  { directory }: Fixture,
  run: () => Promise<unknown>,
): Promise<Record<'all' | 'most', Work>> {
  const all: Work = { decoded: 0, decrypted: 0 };
  const most: Work = { decoded: 0, decrypted: 0 };
  const decode = vi.spyOn(Buffer, 'from');
  onTestFinished(() => decode.mockRestore());
  directory.userOf.mockClear();
  const endTurn = (): void => {
    const decoded = decode.mock.calls
      .map(([text, encoding]: readonly unknown[]) => (encoding === 'base64' ? String(text).length : 0))
      .reduce((sum, length) => sum + length, 0);
    const decrypted = directory.userOf.mock.calls.length;
    decode.mockClear();
    directory.userOf.mockClear();
    all.decoded += decoded;
    all.decrypted += decrypted;
    most.decoded = Math.max(most.decoded, decoded);
    most.decrypted = Math.max(most.decrypted, decrypted);
    next = setImmediate(endTurn);
  };
  let next = setImmediate(endTurn);
  await run();
  clearImmediate(next);
  endTurn();
  clearImmediate(next);
  decode.mockRestore();
  return { all, most };
}

test('crafted parts with the number of a user are put together in turns, also for many SMS at the same time', async () => {
  const fixture = await createFixture({ maxKept: 400 });
  for (const text of [...tails.slice(1), ...parts]) await fixture.receive(text);
  const one = await workOf(fixture, () => fixture.receive(first));
  expect(one.all.decrypted).toBeGreaterThan(50);
  expect(one.all.decrypted).toBeLessThanOrEqual(200);
  expect(one.all.decoded).toBeLessThan(4_000_000);
  const words = ['Merci', 'ok', 'yes', 'no', 'oui', 'non'];
  const many = await workOf(fixture, () => Promise.all(words.map((text) => fixture.receive(text))));
  expect(many.all.decoded).toBeGreaterThan(100_000);
  for (const { most } of [one, many]) {
    expect(most.decoded).toBeLessThan(100_000);
    expect(most.decrypted).toBeLessThan(10);
  }
});

test('parts of clients that have gone are not put together for them', async () => {
  const fixture = await createFixture({ maxKept: 400 });
  for (const text of [...tails.slice(1), ...parts]) await fixture.receive(text);
  const gone = { ...fixture.context, isAborted: () => true };
  for (const text of [first, 'Merci']) {
    const sms = { platform: 'gateway-client', msisdn, text };
    const { all } = await workOf(fixture, () => fixture.publishing.receive(sms, gone));
    expect(all.decrypted).toBe(0);
    expect(all.decoded).toBeLessThan(10_000);
  }
});

test('an end that completes nothing is compared with the same parts once', async () => {
  const fixture = await createFixture({ maxKept: 400 });
  for (const text of [...parts, first]) await fixture.receive(text);
  const word = await workOf(fixture, () => fixture.receive('Merci'));
  const end = await workOf(fixture, () => fixture.receive('Ab01Ab01Ab01Ab1'));
  expect(word.all.decoded).toBeGreaterThan(100_000);
  expect(end.all.decoded).toBeLessThan(1.5 * word.all.decoded);
});
