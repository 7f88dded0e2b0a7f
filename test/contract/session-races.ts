// Concurrent operations on one session: part of the store contract.

import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/domain/store.ts';
import { phone } from './store.ts';

/** `current` returns the store of the running test. */
export function sessionRaceContract(current: () => { store: Store }): void {
  const sessions = () => current().store.sessions;
  const stateOf = async (userId: string, sessionId: string) =>
    (await sessions().get(userId, sessionId))?.state;
  const phones = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ publicKey: `key ${n}`, sharedKey: `shared ${n}` }));

  describe('concurrent operations on one session', () => {
    test('W20: exactly one of 100 concurrent phones gets the session', async () => {
      await sessions().open('u', 's');
      const outcomes = await Promise.all(phones(100).map((each) => sessions().pause('u', 's', each)));
      expect(outcomes.filter((outcome) => outcome === 'paused')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'taken')).toHaveLength(99);
      const winner = phones(100)[outcomes.indexOf('paused')];
      expect(await sessions().get('u', 's')).toMatchObject({ phone: winner });
    });

    test('exactly one of 100 concurrent rotations succeeds', async () => {
      await sessions().open('u', 's');
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, n) => sessions().rotate('u', 's', `new ${n}`)),
      );
      expect(outcomes.filter((outcome) => outcome === 'rotated')).toHaveLength(1);
      expect(await stateOf('u', `new ${outcomes.indexOf('rotated')}`)).toBe('open');
    });

    test('of a concurrent rotation and handshake, one finds the session gone or taken', async () => {
      await sessions().open('u', 's');
      const [rotated, paused] = await Promise.all([
        sessions().rotate('u', 's', 't'),
        sessions().pause('u', 's', phone),
      ]);
      expect([
        ['rotated', 'unknown'],
        ['paused', 'paused'],
      ]).toContainEqual([rotated, paused]);
    });
  });
}
