// TTL stores: their part of the store contract.

import { describe, expect, test } from 'vitest';
import type { Receipt } from '../../src/domain/inbound/model.ts';
import type { StoredResponse } from '../../src/domain/outgoing/model.ts';
import type { Store } from '../../src/domain/store.ts';
import type { FakeClock } from '../support/fake-clock.ts';

export const receipt: Receipt = {
  reply: 'published',
  history: [
    { at: 1_648_206_122_814, event: 'received by gateway-client' },
    { at: 1_648_206_122_900.5, event: 'published' },
  ],
};
export const storedResponse: StoredResponse = {
  request: 'f'.repeat(64),
  body: '{"uuid":"é\\n","errors":[]}',
};

/** `current` returns the store of the running test, with the limits of `storeOptions`. */
export function ttlStoreContract(current: () => { clock: FakeClock; store: Store }): void {
  const receipts = () => current().store.receipts;
  const advance = (ms: number) => current().clock.advance(ms);
  const numbered = (n: number): Receipt => ({ reply: 'accepted', history: [{ at: n, event: 'published' }] });
  const isKnown = async (key: string) => (await receipts().get(key)) !== undefined;

  describe('TTL stores', () => {
    test('returns a value as it was last put', async () => {
      expect(await receipts().get('a')).toBeUndefined();
      await receipts().put('a', receipt);
      expect(await receipts().get('a')).toEqual(receipt);
      await receipts().put('a', numbered(1));
      expect(await receipts().get('a')).toEqual(numbered(1));
      expect(await receipts().get('b')).toBeUndefined();
    });

    test('limits the total size of responses, and evicts the oldest', async () => {
      const { responses } = current().store;
      const large = { request: '', body: 'x'.repeat(400) };
      for (const key of ['a', 'b', 'c']) await responses.put(key, large);
      expect([await responses.get('a'), await responses.get('b'), await responses.get('c')]).toEqual([
        undefined,
        large,
        large,
      ]);
    });

    test('replaces a value only while it is unchanged', async () => {
      const { responses } = current().store;
      const unfinished: StoredResponse = {
        request: 'r',
        body: '{"é":"\\n"}',
        unfinished: { done: 0, begun: 50 },
      };
      const further = { ...unfinished, unfinished: { done: 50, begun: 100 } };
      expect(await responses.replace('a', further, unfinished)).toBe(false);
      expect(await responses.replace('a', unfinished, undefined)).toBe(true);
      expect(await responses.replace('a', further, undefined)).toBe(false);
      const read = await responses.get('a');
      expect(read).toEqual(unfinished);
      const both = [responses.replace('a', further, read), responses.replace('a', storedResponse, read)];
      expect(await Promise.all(both)).toEqual([true, false]);
      expect(await responses.get('a')).toEqual(further);
      advance(30_000);
      expect(await responses.replace('a', storedResponse, further)).toBe(false);
      expect(await responses.replace('a', storedResponse, undefined)).toBe(true);
      expect(await responses.get('a')).toEqual(storedResponse);
    });

    test('keeps receipts and responses separate', async () => {
      await receipts().put('a', receipt);
      expect(await current().store.responses.get('a')).toBeUndefined();
      await current().store.responses.put('a', storedResponse);
      expect(await current().store.responses.get('a')).toEqual(storedResponse);
      expect(await receipts().get('a')).toEqual(receipt);
    });

    test.each(['', '__proto__', 'toString', '../../x', 'é\u0000\n"\u2028\ud800', 'x'.repeat(5_000)])(
      'accepts %j as a key',
      async (key) => {
        expect(await receipts().get(key)).toBeUndefined();
        await receipts().put(key, receipt);
        expect(await receipts().get(key)).toEqual(receipt);
        expect(await receipts().get(`${key}x`)).toBeUndefined();
      },
    );

    test('keeps a value for its time to live, by monotonic time; each put restarts it', async () => {
      await receipts().put('a', receipt);
      await receipts().put('b', receipt);
      current().clock.setWall(current().clock.now() + 86_400_000);
      advance(59_999);
      await receipts().put('b', receipt);
      expect([await isKnown('a'), await isKnown('b')]).toEqual([true, true]);
      current().clock.setWall(0);
      advance(1);
      expect([await isKnown('a'), await isKnown('b')]).toEqual([false, true]);
      advance(59_998);
      expect(await isKnown('b')).toBe(true);
      advance(1);
      expect(await isKnown('b')).toBe(false);
    });

    test('each store has its own time to live', async () => {
      await current().store.responses.put('a', storedResponse);
      await receipts().put('a', receipt);
      advance(30_000);
      expect(await current().store.responses.get('a')).toBeUndefined();
      expect(await isKnown('a')).toBe(true);
    });

    test('evicts only the values that were put longest ago when the limit is exceeded', async () => {
      for (let n = 0; n < 100; n++) await receipts().put(`${n}`, numbered(n));
      await receipts().put('0', receipt);
      for (let n = 100; n < 103; n++) await receipts().put(`${n}`, numbered(n));
      const evicted = ['1', '2', '3'];
      for (let n = 0; n < 103; n++)
        expect([n, await isKnown(`${n}`)]).toEqual([n, !evicted.includes(`${n}`)]);
    });

    test('keeps all of many concurrent values, and the last one of each key', async () => {
      const puts = Array.from({ length: 500 }, (_, n) => receipts().put(`${n % 50}`, numbered(n)));
      await Promise.all(puts);
      for (let n = 0; n < 50; n++) expect(await receipts().get(`${n}`)).toEqual(numbered(450 + n));
    });
  });
}
