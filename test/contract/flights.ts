// Work under way that several processes know of: its part of the contract of a store that is shared.

import { describe, expect, test } from 'vitest';
import type { FlightStore } from '../../src/domain/ports.ts';
import type { FakeClock } from '../support/fake-clock.ts';

/** `current` gives the flights of the running test. */
export function flightContract(current: () => { clock: FakeClock; flights: FlightStore }): void {
  const flights = () => current().flights;

  describe('flights', () => {
    test('of 50 who begin at once one flies, and the others are told which', async () => {
      const begun = await Promise.all(Array.from({ length: 50 }, () => flights().begin('k', 10_000)));
      expect(begun.filter(({ mine }) => mine)).toHaveLength(1);
      expect(new Set(begun.map(({ flight }) => flight)).size).toBe(1);
      expect((await flights().begin('another', 10_000)).mine).toBe(true);
    });

    test('an outcome reaches those who wait, and the next one who comes begins anew', async () => {
      const { flight } = await flights().begin('k', 10_000);
      expect(await flights().look('k', flight)).toBe('under way');
      await flights().land('k', flight, '{"é":"\\n"}');
      expect(await flights().look('k', flight)).toEqual({ outcome: '{"é":"\\n"}' });
      const next = await flights().begin('k', 10_000);
      expect(next.mine).toBe(true);
      expect(next.flight).not.toBe(flight);
      expect(await flights().look('k', flight)).toEqual({ outcome: '{"é":"\\n"}' });
      expect(await flights().look('k', next.flight)).toBe('under way');
    });

    test('one that is not renewed is lost after its time, and another begins', async () => {
      const { flight } = await flights().begin('k', 10_000);
      current().clock.advance(9_999);
      await flights().renew('k', flight, 10_000);
      current().clock.advance(9_999);
      expect(await flights().look('k', flight)).toBe('under way');
      current().clock.advance(1);
      expect(await flights().look('k', flight)).toBe('lost');
      const next = await flights().begin('k', 10_000);
      expect(next.mine).toBe(true);
      // It was only slow: it neither renews nor ends the one after it.
      await flights().renew('k', flight, 60_000);
      await flights().land('k', flight, 'late');
      expect(await flights().begin('k', 10_000)).toEqual({ flight: next.flight, mine: false });
      current().clock.advance(10_000);
      expect(await flights().look('k', next.flight)).toBe('lost');
    });
  });
}
