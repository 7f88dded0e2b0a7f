// What every store must do with rate limits. Part of the suite in store.ts.

import { describe, expect, test } from 'vitest';
import type { LimitKey } from '../../src/domain/shared/limit-keys.ts';
import { consumeAll, refundAll } from '../../src/domain/shared/rate-limiting.ts';
import type { Store } from '../../src/domain/store.ts';
import type { FakeClock } from '../support/fake-clock.ts';

export function limitContract(given: () => { readonly store: Store; readonly clock: FakeClock }): void {
  describe('limits', () => {
    const limit = { count: 3, windowMs: 60_000 };
    const take = () => given().store.limits.consume('ping:imsi:1', limit);

    test('allows the configured number of events in a window, and returns the seconds to wait for the next', async () => {
      expect([await take(), await take(), await take()]).toEqual([0, 0, 0]);
      expect(await take()).toBe(60);
      given().clock.advance(58_500);
      expect(await take()).toBe(2);
      given().clock.advance(1_499);
      expect(await take()).toBe(1);
    });

    test('the first event opens the window, which lasts its configured time', async () => {
      given().clock.advance(59_000);
      await take();
      given().clock.advance(30_000);
      await take();
      await take();
      given().clock.advance(29_999);
      expect(await take()).toBe(1);
      given().clock.advance(1);
      expect([await take(), await take(), await take()]).toEqual([0, 0, 0]);
      expect(await take()).toBe(60);
    });

    test('an event of several keys counts for all of them, or for none, and is refunded for all', async () => {
      const { limits } = given().store;
      const keys: readonly LimitKey[] = [
        'password:session:s',
        'password:user-address:u@a',
        'password:user:u',
      ];
      for (let n = 0; n < 3; n++) expect(await consumeAll(limits, keys, limit)).toBeUndefined();
      const refused = { key: 'password:session:s', seconds: 60 };
      expect(await consumeAll(limits, keys, limit)).toEqual(refused);
      // The last one refuses, so that the first does not count.
      expect(await consumeAll(limits, ['password:session:other', ...keys], limit)).toEqual(refused);
      expect(limits.peekLocal('password:session:s', limit)).toBe(60);
      expect(await limits.peek('password:session:other', { ...limit, count: 1 })).toBe(0);
      await refundAll(limits, keys, limit);
      expect(limits.peekLocal('password:session:s', limit)).toBe(0);
      expect(await consumeAll(limits, keys, limit)).toBeUndefined();
    });

    test('does not count a rejected event', async () => {
      for (let n = 0; n < 10; n++) await take();
      given().clock.advance(60_000);
      expect([await take(), await take(), await take()]).toEqual([0, 0, 0]);
    });

    test('allows a refunded event again', async () => {
      for (let n = 0; n < 3; n++) await take();
      await given().store.limits.refund('ping:imsi:1', limit);
      expect(await take()).toBe(0);
      expect(await take()).toBe(60);
    });

    test('several events count for all keys of a request, or for none', async () => {
      const { limits } = given().store;
      const own: LimitKey = 'lookup:address:192.0.2.1';
      const network: LimitKey = 'lookup:address:192.0.2.2';
      expect(await consumeAll(limits, [own], limit, 5)).toBeUndefined();
      for (let n = 0; n < 5; n++)
        expect(await consumeAll(limits, [network, own], limit, 5)).toEqual({ key: own, seconds: 60 });
      expect(await consumeAll(limits, [network], limit, 2)).toBeUndefined();
      await limits.refund(network, limit, 2);
      expect(await limits.peek(network, { ...limit, count: 1 })).toBe(0);
    });

    test('a window whose only event is refunded was never opened', async () => {
      await take();
      given().clock.advance(30_000);
      await given().store.limits.refund('ping:imsi:1', limit);
      for (let n = 0; n < 3; n++) await take();
      expect(await take()).toBe(60);
    });

    test('refunding more than was consumed, or after the window, has no effect', async () => {
      await given().store.limits.refund('ping:imsi:1', limit);
      await take();
      for (let n = 0; n < 5; n++) await given().store.limits.refund('ping:imsi:1', limit);
      expect([await take(), await take(), await take()]).toEqual([0, 0, 0]);
      given().clock.advance(60_000);
      await given().store.limits.refund('ping:imsi:1', limit);
      expect([await take(), await take(), await take()]).toEqual([0, 0, 0]);
      expect(await take()).toBe(60);
    });

    test('peeking returns what consuming would, without counting', async () => {
      for (let n = 0; n < 9; n++) expect(await given().store.limits.peek('ping:imsi:1', limit)).toBe(0);
      for (let n = 0; n < 3; n++) await take();
      expect(await given().store.limits.peek('ping:imsi:1', limit)).toBe(60);
      given().clock.advance(60_000);
      expect(await given().store.limits.peek('ping:imsi:1', limit)).toBe(0);
      expect(await given().store.limits.peek('ping:imsi:1', 'off')).toBe(0);
    });

    test('counts keys separately', async () => {
      for (let n = 0; n < 3; n++) await take();
      expect(await given().store.limits.consume('ping:imsi:2', limit)).toBe(0);
    });

    test('a disabled limit allows everything', async () => {
      for (let n = 0; n < 100; n++) expect(await given().store.limits.consume('ping:imsi:1', 'off')).toBe(0);
      await given().store.limits.refund('ping:imsi:1', 'off');
    });

    test('setting the wall clock back or ahead neither frees nor blocks', async () => {
      for (let n = 0; n < 3; n++) await take();
      given().clock.setWall(given().clock.now() + 3_600_000);
      expect(await take()).toBe(60);
      given().clock.setWall(given().clock.now() - 7_200_000);
      given().clock.advance(60_000);
      expect(await take()).toBe(0);
    });
  });
}
