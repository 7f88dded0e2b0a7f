// What is remembered: its part of the store contract.

import { describe, expect, test } from 'vitest';
import type { Receipt, RememberedAnswer } from '../../src/domain/model.ts';
import type { Store } from '../../src/domain/ports.ts';
import type { FakeClock } from '../support/fake-clock.ts';

export const receipt: Receipt = {
  answer: 'published',
  life: [
    { at: 1_648_206_122_814, what: 'received by gateway-client' },
    { at: 1_648_206_122_900.5, what: 'published' },
  ],
};
export const answer: RememberedAnswer = { request: 'f'.repeat(64), body: '{"uuid":"é\\n","errors":[]}' };

/** `current` gives the store of the running test, with the bounds of `storeOptions`. */
export function memoContract(current: () => { clock: FakeClock; store: Store }): void {
  const published = () => current().store.published;
  const advance = (ms: number) => current().clock.advance(ms);
  const numbered = (n: number): Receipt => ({ answer: 'accepted', life: [{ at: n, what: 'published' }] });
  const isKnown = async (key: string) => (await published().get(key)) !== undefined;

  describe('memos', () => {
    test('a value is remembered as it was put, and the last put counts', async () => {
      expect(await published().get('a')).toBeUndefined();
      await published().put('a', receipt);
      expect(await published().get('a')).toEqual(receipt);
      await published().put('a', numbered(1));
      expect(await published().get('a')).toEqual(numbered(1));
      expect(await published().get('b')).toBeUndefined();
    });

    test('answers are bounded by what they hold together, the oldest give way', async () => {
      const { answers } = current().store;
      const large = { request: '', body: 'x'.repeat(400) };
      for (const key of ['a', 'b', 'c']) await answers.put(key, large);
      expect([await answers.get('a'), await answers.get('b'), await answers.get('c')]).toEqual([
        undefined,
        large,
        large,
      ]);
    });

    test('receipts and answers are kept apart', async () => {
      await published().put('a', receipt);
      expect(await current().store.answers.get('a')).toBeUndefined();
      await current().store.answers.put('a', answer);
      expect(await current().store.answers.get('a')).toEqual(answer);
      expect(await published().get('a')).toEqual(receipt);
    });

    test.each(['', '__proto__', 'toString', '../../x', 'é\u0000\n"\u2028\ud800', 'x'.repeat(5_000)])(
      'the key %j is a key like another',
      async (key) => {
        expect(await published().get(key)).toBeUndefined();
        await published().put(key, receipt);
        expect(await published().get(key)).toEqual(receipt);
        expect(await published().get(`${key}x`)).toBeUndefined();
      },
    );

    test('for so long from its put, by monotonic time; each put begins anew', async () => {
      await published().put('a', receipt);
      await published().put('b', receipt);
      current().clock.setWall(current().clock.now() + 86_400_000);
      advance(59_999);
      await published().put('b', receipt);
      expect([await isKnown('a'), await isKnown('b')]).toEqual([true, true]);
      current().clock.setWall(0);
      advance(1);
      expect([await isKnown('a'), await isKnown('b')]).toEqual([false, true]);
      advance(59_998);
      expect(await isKnown('b')).toBe(true);
      advance(1);
      expect(await isKnown('b')).toBe(false);
    });

    test('each memo has its own time', async () => {
      await current().store.answers.put('a', answer);
      await published().put('a', receipt);
      advance(30_000);
      expect(await current().store.answers.get('a')).toBeUndefined();
      expect(await isKnown('a')).toBe(true);
    });

    test('above the bound the ones put longest ago give way, and no others', async () => {
      for (let n = 0; n < 100; n++) await published().put(`${n}`, numbered(n));
      await published().put('0', receipt);
      for (let n = 100; n < 103; n++) await published().put(`${n}`, numbered(n));
      const gone = ['1', '2', '3'];
      for (let n = 0; n < 103; n++) expect([n, await isKnown(`${n}`)]).toEqual([n, !gone.includes(`${n}`)]);
    });

    test('many at once are all remembered, and of one key the last one given', async () => {
      const puts = Array.from({ length: 500 }, (_, n) => published().put(`${n % 50}`, numbered(n)));
      await Promise.all(puts);
      for (let n = 0; n < 50; n++) expect(await published().get(`${n}`)).toEqual(numbered(450 + n));
    });
  });
}
