// Leases of work that several processes share: part of the contract of shared stores.

import { describe, expect, test } from 'vitest';
import type { LeaseStore } from '../../src/domain/shared/ports.ts';
import type { FakeClock } from '../support/fake-clock.ts';

/** `current` returns the leases of the running test. */
export function leaseContract(current: () => { clock: FakeClock; leases: LeaseStore }): void {
  const leases = () => current().leases;

  describe('leases', () => {
    test('grants one of 50 concurrent requests, and returns its lease id to the others', async () => {
      const grants = await Promise.all(Array.from({ length: 50 }, () => leases().acquire('k', 10_000)));
      expect(grants.filter(({ acquired }) => acquired)).toHaveLength(1);
      expect(new Set(grants.map(({ leaseId }) => leaseId)).size).toBe(1);
      expect((await leases().acquire('another', 10_000)).acquired).toBe(true);
    });

    test('delivers the outcome to waiting processes, and then grants a new lease', async () => {
      const { leaseId } = await leases().acquire('k', 10_000);
      expect(await leases().poll('k', leaseId)).toBe('running');
      expect(await leases().complete('k', leaseId, '{"é":"\\n"}')).toBe(true);
      expect(await leases().poll('k', leaseId)).toEqual({ outcome: '{"é":"\\n"}' });
      const next = await leases().acquire('k', 10_000);
      expect(next.acquired).toBe(true);
      expect(next.leaseId).not.toBe(leaseId);
      expect(await leases().poll('k', leaseId)).toEqual({ outcome: '{"é":"\\n"}' });
      expect(await leases().poll('k', next.leaseId)).toBe('running');
    });

    test('expires without renewal, and is then granted to another process', async () => {
      const { leaseId } = await leases().acquire('k', 10_000);
      current().clock.advance(9_999);
      await leases().renew('k', leaseId, 10_000);
      current().clock.advance(9_999);
      expect(await leases().poll('k', leaseId)).toBe('running');
      current().clock.advance(1);
      expect(await leases().poll('k', leaseId)).toBe('lost');
      const next = await leases().acquire('k', 10_000);
      expect(next.acquired).toBe(true);
      // The slow holder can neither renew nor complete the lease of its successor.
      await leases().renew('k', leaseId, 60_000);
      expect(await leases().complete('k', leaseId, 'late')).toBe(false);
      expect(await leases().acquire('k', 10_000)).toEqual({ leaseId: next.leaseId, acquired: false });
      current().clock.advance(10_000);
      expect(await leases().poll('k', next.leaseId)).toBe('lost');
    });

    test('can be renewed after its expiry while no other process has acquired it', async () => {
      const { leaseId } = await leases().acquire('k', 10_000);
      current().clock.advance(10_000);
      await leases().renew('k', leaseId, 10_000);
      expect(await leases().poll('k', leaseId)).toBe('running');
      expect(await leases().acquire('k', 10_000)).toEqual({ leaseId, acquired: false });
      expect(await leases().complete('k', leaseId, 'done')).toBe(true);
    });
  });
}
