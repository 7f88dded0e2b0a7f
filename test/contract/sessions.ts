// The sessions' part of the store contract.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/domain/ports.ts';
import type { StoreOptions } from '../../src/store/options.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { createSessionModel, sessionCommands } from './session-model.ts';
import { phone, storeOptions } from './store.ts';

/** `current` gives the store of the running test, `open` a new one. */
export function sessionContract(
  current: () => { clock: FakeClock; store: Store },
  open: (options: StoreOptions) => Promise<Store>,
): void {
  const sessions = () => current().store.sessions;
  const stateOf = async (userId: string, sessionId: string) =>
    (await sessions().get(userId, sessionId))?.state;
  const advance = (ms: number) => current().clock.advance(ms);
  const phones = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ publicKey: `key ${n}`, sharedKey: `shared ${n}` }));

  describe('sessions', () => {
    test('an open session is found, another one is not', async () => {
      await sessions().open('u', 's');
      expect(await sessions().get('u', 's')).toEqual({ userId: 'u', sessionId: 's', state: 'open' });
      expect(await sessions().get('u', 't')).toBeUndefined();
      expect(await sessions().get('v', 's')).toBeUndefined();
    });

    test('a user may have several', async () => {
      await sessions().open('u', 's');
      await sessions().open('u', 't');
      expect([await stateOf('u', 's'), await stateOf('u', 't')]).toEqual(['open', 'open']);
    });

    test('showing an open one renews it, says what it is, and knows no others', async () => {
      await sessions().open('u', 's');
      advance(10_000);
      expect(await sessions().show('u', 's', 'socket')).toEqual({
        userId: 'u',
        sessionId: 's',
        state: 'open',
      });
      advance(10_000);
      expect(await stateOf('u', 's')).toBe('open');
      await sessions().pause('u', 's', phone);
      expect(await sessions().show('u', 's', 'socket')).toMatchObject({ state: 'paused', phone });
      expect(await sessions().show('u', 't', 'socket')).toBeUndefined();
    });

    test('a socket that comes back with the first id finds what took its place, and nothing else does', async () => {
      const show = (id: string) => sessions().show('u', id, 'socket');
      await sessions().open('u', 'first');
      await sessions().rotate('u', 'first', 'second');
      await sessions().rotate('u', 'second', 'third');
      expect(await show('first')).toEqual({ userId: 'u', sessionId: 'third', state: 'open' });
      expect(await show('second')).toBeUndefined();
      expect(await stateOf('u', 'first')).toBeUndefined();
      expect(await sessions().pause('u', 'first', phone)).toBe('unknown');
      expect(await sessions().rotate('u', 'first', 'fourth')).toBe('unknown');
      expect(await sessions().show('v', 'first', 'socket')).toBeUndefined();
      await sessions().pause('u', 'third', phone);
      expect(await show('first')).toEqual({ userId: 'u', sessionId: 'third', state: 'paused', phone });
      await sessions().complete('u', 'third');
      expect(await show('first')).toMatchObject({ sessionId: 'third', state: 'paired' });
      await sessions().remove('u', 'third');
      expect(await show('first')).toBeUndefined();
    });

    test('a session ends with the socket that showed it last, not with one before', async () => {
      await sessions().open('u', 'first');
      await sessions().show('u', 'first', 'old');
      await sessions().rotate('u', 'first', 'second');
      await sessions().show('u', 'first', 'new');
      expect(await sessions().end('u', 'second', 'old')).toBe('kept');
      expect(await sessions().rotate('u', 'second', 'third', 'old')).toBe('kept');
      expect(await sessions().find('u', 'first')).toMatchObject({ sessionId: 'second' });
      expect(await sessions().rotate('u', 'second', 'third', 'new')).toBe('rotated');
      expect(await sessions().end('u', 'third', 'old')).toBe('kept');
      expect(await sessions().end('u', 'third', 'new')).toBe('ended');
      expect(await stateOf('u', 'third')).toBeUndefined();
      expect(await sessions().end('u', 'third', 'new')).toBe('unknown');
      await sessions().open('u', 'phone');
      await sessions().pause('u', 'phone', phone);
      expect(await sessions().end('u', 'phone', 'new')).toBe('paused');
    });

    test('one that is shown is not forgotten, however many are opened', async () => {
      await sessions().open('u', 'shown');
      await sessions().show('u', 'shown', 'socket');
      for (let n = 0; n < 1_000; n++) await sessions().open('u', `s${n}`);
      expect(await stateOf('u', 'shown')).toBe('open');
    });

    test('ids are not mixed up: "a" with "bc" is not "ab" with "c", whatever stands between', async () => {
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

    test('opening it again renews an open one, and leaves one that a phone holds', async () => {
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
    ] as const)('%s: known for all but the last millisecond of %i, then not', async (state, ttlMs) => {
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
    });

    test('wall time does not matter to expiry', async () => {
      await sessions().open('u', 's');
      current().clock.setWall(current().clock.now() + 3_600_000);
      expect(await stateOf('u', 's')).toBe('open');
      current().clock.setWall(current().clock.now() - 7_200_000);
      advance(15_000);
      expect(await stateOf('u', 's')).toBeUndefined();
    });

    test('rotation gives a new id and its whole time, and the old id is unknown', async () => {
      await sessions().open('u', 's');
      advance(14_999);
      expect(await sessions().rotate('u', 's', 't')).toBe('rotated');
      expect(await stateOf('u', 's')).toBeUndefined();
      expect(await sessions().pause('u', 's', phone)).toBe('unknown');
      advance(14_999);
      expect(await sessions().get('u', 't')).toEqual({ userId: 'u', sessionId: 't', state: 'open' });
    });

    test("rotation leaves a phone's session as it is and says its state", async () => {
      await sessions().open('u', 's');
      await sessions().pause('u', 's', phone);
      expect(await sessions().rotate('u', 's', 't')).toBe('paused');
      await sessions().complete('u', 's');
      expect(await sessions().rotate('u', 's', 't')).toBe('paired');
      expect(await sessions().get('u', 's')).toMatchObject({ state: 'paired', phone });
      expect(await stateOf('u', 't')).toBeUndefined();
      expect(await sessions().rotate('u', 'never', 't')).toBe('unknown');
    });

    test('rotation does not take the id of another session', async () => {
      await sessions().open('u', 's');
      await sessions().open('u', 't');
      await sessions().pause('u', 't', phone);
      await expect(sessions().rotate('u', 's', 't')).rejects.toMatchObject({ code: 'CONFLICT' });
      expect([await stateOf('u', 's'), await stateOf('u', 't')]).toEqual(['open', 'paused']);
    });

    test('the same phone again is paused and keeps the first shared key; another phone is too late', async () => {
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

    test('a phone that asks again does not get more time', async () => {
      await sessions().open('u', 's');
      await sessions().pause('u', 's', phone);
      advance(119_999);
      await sessions().pause('u', 's', phone);
      advance(1);
      expect(await stateOf('u', 's')).toBeUndefined();
    });

    test('only a paused session can be completed, and once', async () => {
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

    test.each(['open', 'paused', 'paired', 'unknown'])('%s: removed is unknown', async (state) => {
      if (state !== 'unknown') await sessions().open('u', 's');
      if (state === 'paused' || state === 'paired') await sessions().pause('u', 's', phone);
      if (state === 'paired') await sessions().complete('u', 's');
      await sessions().remove('u', 's');
      expect(await stateOf('u', 's')).toBeUndefined();
      await sessions().open('u', 's');
      expect(await sessions().pause('u', 's', { ...phone, publicKey: 'another' })).toBe('paused');
    });

    test('W17: too many open ones push out the oldest, never one that is shown or that a phone holds', async () => {
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

    test('expired sessions do not count among the open ones', async () => {
      for (let n = 0; n < 150; n++) await sessions().open('old', `${n}`);
      advance(15_000);
      for (let n = 0; n < 150; n++) await sessions().open('new', `${n}`);
      expect(await stateOf('new', '0')).toBe('open');
    });

    test('expired sessions are unknown at once, however many there are', async () => {
      for (let n = 0; n < 100; n++) await sessions().open('u', `${n}`);
      advance(15_000);
      expect(await stateOf('u', '99')).toBeUndefined();
      expect(await sessions().pause('u', '50', phone)).toBe('unknown');
    });

    test('W20: of 100 phones at once exactly one gets the session', async () => {
      await sessions().open('u', 's');
      const outcomes = await Promise.all(phones(100).map((each) => sessions().pause('u', 's', each)));
      expect(outcomes.filter((outcome) => outcome === 'paused')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'taken')).toHaveLength(99);
      const winner = phones(100)[outcomes.indexOf('paused')];
      expect(await sessions().get('u', 's')).toMatchObject({ phone: winner });
    });

    test('of 100 rotations at once exactly one succeeds', async () => {
      await sessions().open('u', 's');
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, n) => sessions().rotate('u', 's', `new ${n}`)),
      );
      expect(outcomes.filter((outcome) => outcome === 'rotated')).toHaveLength(1);
      expect(await stateOf('u', `new ${outcomes.indexOf('rotated')}`)).toBe('open');
    });

    test('a rotation and a handshake at once: one of them finds the session gone or taken', async () => {
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

    test('it behaves as the model does, whatever is done in whatever order', async () => {
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
        { numRuns: 150 },
      );
    });
  });

  describe('password claims', () => {
    const claim = (fingerprint: string) => sessions().claimPassword('digest', fingerprint);

    test('the first key has it, also when it asks again; another key does not', async () => {
      expect([await claim('a'), await claim('a'), await claim('b'), await claim('a')]).toEqual([
        true,
        true,
        false,
        true,
      ]);
      expect(await sessions().claimPassword('other digest', 'b')).toBe(true);
    });

    test('for an hour from the first claim, by monotonic time', async () => {
      await claim('a');
      advance(3_000_000);
      await claim('a');
      current().clock.setWall(current().clock.now() + 7_200_000);
      advance(599_999);
      expect(await claim('b')).toBe(false);
      advance(1);
      expect([await claim('b'), await claim('a')]).toEqual([true, false]);
    });

    test('of 100 keys at once exactly one gets it', async () => {
      const claims = await Promise.all(phones(100).map(({ publicKey }) => claim(publicKey)));
      expect(claims.filter(Boolean)).toHaveLength(1);
    });
  });
}
