// Sessions: their part of the store contract.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/domain/store.ts';
import type { StoreOptions } from '../../src/store/options.ts';
import { effort } from '../support/effort.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { createSessionModel, sessionCommands } from './session-model.ts';
import { phone, storeOptions } from './store.ts';

/** `current` returns the store of the running test; `open` opens a new one. */
export function sessionContract(
  current: () => { clock: FakeClock; store: Store },
  open: (options: StoreOptions) => Promise<Store>,
): void {
  const sessions = () => current().store.sessions;
  const stateOf = async (userId: string, sessionId: string) =>
    (await sessions().get(userId, sessionId))?.state;
  const advance = (ms: number) => current().clock.advance(ms);

  describe('sessions', () => {
    test('finds an open session, and no other', async () => {
      await sessions().open('u', 's');
      expect(await sessions().get('u', 's')).toEqual({ userId: 'u', sessionId: 's', state: 'open' });
      expect(await sessions().get('u', 't')).toBeUndefined();
      expect(await sessions().get('v', 's')).toBeUndefined();
    });

    test('allows several sessions of one user', async () => {
      await sessions().open('u', 's');
      await sessions().open('u', 't');
      expect([await stateOf('u', 's'), await stateOf('u', 't')]).toEqual(['open', 'open']);
    });

    test('attaching to an open session renews it and returns its state; an unknown id returns nothing', async () => {
      await sessions().open('u', 's');
      advance(10_000);
      expect(await sessions().attach('u', 's', 'socket')).toEqual({
        userId: 'u',
        sessionId: 's',
        state: 'open',
      });
      advance(10_000);
      expect(await stateOf('u', 's')).toBe('open');
      await sessions().pause('u', 's', phone);
      expect(await sessions().attach('u', 's', 'socket')).toMatchObject({ state: 'paused', phone });
      expect(await sessions().attach('u', 't', 'socket')).toBeUndefined();
    });

    test('a socket that reconnects with the first id finds the session that replaced it, and no other', async () => {
      const show = (id: string) => sessions().attach('u', id, 'socket');
      await sessions().open('u', 'first');
      await sessions().rotate('u', 'first', 'second');
      await sessions().rotate('u', 'second', 'third');
      expect(await show('first')).toEqual({ userId: 'u', sessionId: 'third', state: 'open' });
      expect(await show('second')).toBeUndefined();
      expect(await stateOf('u', 'first')).toBeUndefined();
      expect(await sessions().pause('u', 'first', phone)).toBe('unknown');
      expect(await sessions().rotate('u', 'first', 'fourth')).toBe('unknown');
      expect(await sessions().attach('v', 'first', 'socket')).toBeUndefined();
      await sessions().pause('u', 'third', phone);
      expect(await show('first')).toEqual({ userId: 'u', sessionId: 'third', state: 'paused', phone });
      await sessions().complete('u', 'third');
      expect(await show('first')).toMatchObject({ sessionId: 'third', state: 'paired' });
      await sessions().remove('u', 'third');
      expect(await show('first')).toBeUndefined();
    });

    test('a session ends with the socket that attached last, not with an earlier one', async () => {
      await sessions().open('u', 'first');
      await sessions().attach('u', 'first', 'old');
      await sessions().rotate('u', 'first', 'second');
      await sessions().attach('u', 'first', 'new');
      expect(await sessions().close('u', 'second', 'old')).toBe('kept');
      expect(await sessions().rotate('u', 'second', 'third', 'old')).toBe('kept');
      expect(await sessions().find('u', 'first')).toMatchObject({ sessionId: 'second' });
      expect(await sessions().rotate('u', 'second', 'third', 'new')).toBe('rotated');
      expect(await sessions().close('u', 'third', 'old')).toBe('kept');
      expect(await sessions().close('u', 'third', 'new')).toBe('ended');
      expect(await stateOf('u', 'third')).toBeUndefined();
      expect(await sessions().close('u', 'third', 'new')).toBe('unknown');
      await sessions().open('u', 'phone');
      await sessions().pause('u', 'phone', phone);
      expect(await sessions().close('u', 'phone', 'new')).toBe('paused');
    });

    test('keeps ids distinct: "a" with "bc" is not "ab" with "c", whatever the separator', async () => {
      await sessions().open('a', 'b/c:d\nz');
      for (const [userId, sessionId] of [
        ['ab', '/c:d\nz'],
        ['a/b', 'c:d\nz'],
        ['a\nb/c:d', 'z'],
        ['a/b/c', 'd\nz'],
        ['', 'ab/c:d\nz'],
      ] as const) {
        expect(await sessions().get(userId, sessionId)).toBeUndefined();
      }
    });

    test('opening a session again renews an open one, and leaves one that a phone holds unchanged', async () => {
      await sessions().open('u', 's');
      advance(10_000);
      await sessions().open('u', 's');
      advance(10_000);
      expect(await stateOf('u', 's')).toBe('open');
      await sessions().pause('u', 's', phone);
      await sessions().open('u', 's');
      expect(await sessions().get('u', 's')).toMatchObject({ state: 'paused', phone });
    });

    test.each([
      ['open', 15_000],
      ['paused', 120_000],
      ['paired', 60_000],
    ] as const)(
      '%s: known until the last millisecond of %i, and unknown from then on',
      async (state, ttlMs) => {
        await sessions().open('u', 's');
        advance(14_000);
        if (state !== 'open') await sessions().pause('u', 's', phone);
        if (state === 'paired') advance(100_000);
        if (state === 'paired') await sessions().complete('u', 's');
        const left = state === 'open' ? ttlMs - 14_000 : ttlMs;
        advance(left - 1);
        expect(await stateOf('u', 's')).toBe(state);
        advance(1);
        expect(await stateOf('u', 's')).toBeUndefined();
        expect(await sessions().rotate('u', 's', 't')).toBe('unknown');
        expect(await sessions().pause('u', 's', phone)).toBe('unknown');
      },
    );

    test('expiry does not depend on wall time', async () => {
      await sessions().open('u', 's');
      current().clock.setWall(current().clock.now() + 3_600_000);
      expect(await stateOf('u', 's')).toBe('open');
      current().clock.setWall(current().clock.now() - 7_200_000);
      advance(15_000);
      expect(await stateOf('u', 's')).toBeUndefined();
    });

    test('rotation assigns a new id and a full lifetime, and the old id becomes unknown', async () => {
      await sessions().open('u', 's');
      advance(14_999);
      expect(await sessions().rotate('u', 's', 't')).toBe('rotated');
      expect(await stateOf('u', 's')).toBeUndefined();
      expect(await sessions().pause('u', 's', phone)).toBe('unknown');
      advance(14_999);
      expect(await sessions().get('u', 't')).toEqual({ userId: 'u', sessionId: 't', state: 'open' });
    });

    test("rotation leaves a phone's session unchanged and returns its state", async () => {
      await sessions().open('u', 's');
      await sessions().pause('u', 's', phone);
      expect(await sessions().rotate('u', 's', 't')).toBe('paused');
      await sessions().complete('u', 's');
      expect(await sessions().rotate('u', 's', 't')).toBe('paired');
      expect(await sessions().get('u', 's')).toMatchObject({ state: 'paired', phone });
      expect(await stateOf('u', 't')).toBeUndefined();
      expect(await sessions().rotate('u', 'never', 't')).toBe('unknown');
    });

    test('rotation does not take over the id of another session', async () => {
      await sessions().open('u', 's');
      await sessions().open('u', 't');
      await sessions().pause('u', 't', phone);
      await expect(sessions().rotate('u', 's', 't')).rejects.toMatchObject({ code: 'CONFLICT' });
      expect([await stateOf('u', 's'), await stateOf('u', 't')]).toEqual(['open', 'paused']);
    });

    test('a repeated handshake of the same phone stays paused with the first shared key; another phone is too late', async () => {
      await sessions().open('u', 's');
      expect(await sessions().pause('u', 's', phone)).toBe('paused');
      expect(await sessions().pause('u', 's', { ...phone, sharedKey: 'second' })).toBe('paused');
      expect(await sessions().pause('u', 's', { ...phone, publicKey: 'another' })).toBe('taken');
      expect(await sessions().get('u', 's')).toEqual({ userId: 'u', sessionId: 's', state: 'paused', phone });
      await sessions().complete('u', 's');
      expect(await sessions().pause('u', 's', { ...phone, sharedKey: 'third' })).toBe('paused');
      expect(await sessions().pause('u', 's', { ...phone, publicKey: 'another' })).toBe('taken');
      expect(await sessions().get('u', 's')).toEqual({ userId: 'u', sessionId: 's', state: 'paired', phone });
    });

    test('a repeated handshake does not extend the session', async () => {
      await sessions().open('u', 's');
      await sessions().pause('u', 's', phone);
      advance(119_999);
      await sessions().pause('u', 's', phone);
      advance(1);
      expect(await stateOf('u', 's')).toBeUndefined();
    });

    test('only a paused session can be completed, and only once', async () => {
      await sessions().complete('u', 's');
      expect(await stateOf('u', 's')).toBeUndefined();
      await sessions().open('u', 's');
      await sessions().complete('u', 's');
      expect(await stateOf('u', 's')).toBe('open');
      await sessions().pause('u', 's', phone);
      await sessions().complete('u', 's');
      advance(59_999);
      await sessions().complete('u', 's');
      advance(1);
      expect(await stateOf('u', 's')).toBeUndefined();
    });

    test.each(['open', 'paused', 'paired', 'unknown'])('%s: becomes unknown when removed', async (state) => {
      if (state !== 'unknown') await sessions().open('u', 's');
      if (state === 'paused' || state === 'paired') await sessions().pause('u', 's', phone);
      if (state === 'paired') await sessions().complete('u', 's');
      await sessions().remove('u', 's');
      expect(await stateOf('u', 's')).toBeUndefined();
      await sessions().open('u', 's');
      expect(await sessions().pause('u', 's', { ...phone, publicKey: 'another' })).toBe('paused');
    });

    test('sessions become unknown the moment they expire, however many there are', async () => {
      for (let n = 0; n < 100; n++) await sessions().open('u', `${n}`);
      advance(15_000);
      expect(await stateOf('u', '99')).toBeUndefined();
      expect(await sessions().pause('u', '50', phone)).toBe('unknown');
    });

    test('behaves like the model for any sequence of commands', async () => {
      await fc.assert(
        fc.asyncProperty(sessionCommands, async (commands) => {
          const clock = createFakeClock();
          const options = storeOptions(clock);
          const store = await open({ ...options, sessions: { ...options.sessions, maxOpen: 3 } });
          try {
            await fc.asyncModelRun(
              () => ({
                model: createSessionModel({ ...options.sessions, maxOpen: 3 }),
                real: { clock, sessions: store.sessions },
              }),
              commands,
            );
          } finally {
            await store.close();
          }
        }),
        { numRuns: 150 * effort },
      );
    });
  });
}
