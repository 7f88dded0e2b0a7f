// Bounds of sessions: part of the store contract.

import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/domain/store.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { phone } from './store.ts';

/** `current` returns the store of the running test. */
export function sessionBoundContract(current: () => { clock: FakeClock; store: Store }): void {
  const sessions = () => current().store.sessions;
  const stateOf = async (userId: string, sessionId: string) =>
    (await sessions().get(userId, sessionId))?.state;

  describe('bounds of sessions', () => {
    test('keeps an attached session, however many are opened', async () => {
      await sessions().open('u', 'shown');
      await sessions().attach('u', 'shown', 'socket');
      for (let n = 0; n < 1_000; n++) await sessions().open('u', `s${n}`);
      expect(await stateOf('u', 'shown')).toBe('open');
    });

    test('W17: evicts the oldest open sessions above the limit, never one that is attached or that a phone holds', async () => {
      for (const id of ['paused', 'paired', 'first', 'second', 'third']) await sessions().open('u', id);
      await sessions().pause('u', 'paused', phone);
      await sessions().pause('u', 'paired', phone);
      await sessions().complete('u', 'paired');
      await sessions().rotate('u', 'first', 'first again');
      for (let n = 0; n < 149; n++) await sessions().open('flood', `${n}`);
      expect(await stateOf('u', 'second')).toBeUndefined();
      expect(await stateOf('u', 'third')).toBe('open');
      await sessions().open('flood', 'one more');
      expect(await stateOf('u', 'third')).toBeUndefined();
      expect(await stateOf('u', 'first again')).toBe('open');
      expect(await stateOf('flood', '0')).toBe('open');
      expect([await stateOf('u', 'paused'), await stateOf('u', 'paired')]).toEqual(['paused', 'paired']);
    });

    test('W17: evicts the oldest sessions above the limit that were rotated without a socket, however often that is repeated', async () => {
      const replace = async (userId: string, id: string, socketId?: string) => {
        expect(await sessions().rotate(userId, id, `${id}+`, socketId)).toBe('rotated');
      };
      const openReplaced = async (userId: string, id: string) => {
        await sessions().open(userId, id);
        await replace(userId, id);
      };
      for (const id of ['left', 'shown']) {
        await sessions().open('u', id);
        await sessions().attach('u', id, 'socket');
      }
      // The page of this one has gone.
      await replace('u', 'left');
      await openReplaced('u', 'shown later');
      await sessions().attach('u', 'shown later+', 'socket');
      await replace('u', 'shown', 'socket');
      await openReplaced('u', 'phone');
      await sessions().pause('u', 'phone+', phone);
      for (let n = 0; n < 149; n++) await openReplaced('flood', `${n}`);
      expect(await sessions().find('u', 'left')).toMatchObject({ sessionId: 'left+' });
      await openReplaced('flood', 'one more');
      expect(await stateOf('u', 'left+')).toBeUndefined();
      expect(await sessions().find('u', 'left')).toBeUndefined();
      expect(await stateOf('flood', '0+')).toBe('open');
      await replace('flood', '0+');
      await openReplaced('flood', 'the last');
      expect([await stateOf('flood', '0++'), await stateOf('flood', '1+')]).toEqual(['open', undefined]);
      expect(await stateOf('u', 'shown+')).toBe('open');
      expect(await stateOf('u', 'shown later+')).toBe('open');
      expect(await stateOf('u', 'phone+')).toBe('paused');
    });

    test('does not count expired sessions among the open ones', async () => {
      for (let n = 0; n < 150; n++) await sessions().open('old', `${n}`);
      current().clock.advance(15_000);
      for (let n = 0; n < 150; n++) await sessions().open('new', `${n}`);
      expect(await stateOf('new', '0')).toBe('open');
    });
  });
}
