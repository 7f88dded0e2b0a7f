// Password claims: their part of the store contract.

import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/domain/store.ts';
import type { FakeClock } from '../support/fake-clock.ts';

/** `current` returns the store of the running test. */
export function passwordClaimContract(current: () => { clock: FakeClock; store: Store }): void {
  const advance = (ms: number) => current().clock.advance(ms);

  describe('password claims', () => {
    const claim = (fingerprint: string) => current().store.passwordClaims.claim('digest', fingerprint);

    test('grants the claim to the first key, repeatedly, and to no other key', async () => {
      expect([await claim('a'), await claim('a'), await claim('b'), await claim('a')]).toEqual([
        true,
        true,
        false,
        true,
      ]);
      expect(await current().store.passwordClaims.claim('other digest', 'b')).toBe(true);
    });

    test('holds for an hour from the first claim, by monotonic time', async () => {
      await claim('a');
      advance(3_000_000);
      await claim('a');
      current().clock.setWall(current().clock.now() + 7_200_000);
      advance(599_999);
      expect(await claim('b')).toBe(false);
      advance(1);
      expect([await claim('b'), await claim('a')]).toEqual([true, false]);
    });

    test('grants the claim to exactly one of 100 concurrent keys', async () => {
      const claims = await Promise.all(Array.from({ length: 100 }, (_, n) => claim(`key ${n}`)));
      expect(claims.filter(Boolean)).toHaveLength(1);
    });
  });
}
