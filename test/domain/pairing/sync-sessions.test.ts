// A page that has reconnected by another socket while the old one still exists.

import { expect, test } from 'vitest';
import { createSyncSessions } from '../../../src/domain/pairing/sync-sessions.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { phone, storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const createFixture = () => {
  const { sessions: store } = createMemoryStore(storeOptions(createFakeClock()));
  const sessions = createSyncSessions(store, { production: true });
  const socket = (socketId: string, sessionId: string) => ({
    userId: 'alice',
    sessionId,
    initialSessionId: 'first',
    socketId,
  });
  return { store, sessions, socket };
};

test('the old socket follows the session and does not change the QR code of the new one', async () => {
  const { store, sessions, socket } = createFixture();
  await store.open('alice', 'first');
  await sessions.attach('alice', 'first', 'old');
  const shown = await sessions.attach('alice', 'first', 'new');
  expect(shown).toMatchObject({ sessionId: 'first', state: 'open' });

  // The old socket rotates first: the code on the page stays valid.
  expect(await sessions.rotate(socket('old', 'first'))).toMatchObject({ sessionId: 'first' });
  const fresh = await sessions.rotate(socket('new', 'first'));
  const { sessionId } = Object(fresh);
  expect(sessionId).not.toBe('first');
  expect(await sessions.rotate(socket('old', 'first'))).toMatchObject({ sessionId });
  // Closing the old socket does not close the session either.
  expect(await sessions.close(socket('old', sessionId))).toBe('ended');
  expect(await store.pause('alice', sessionId, phone)).toBe('paused');
  expect(await sessions.rotate(socket('old', sessionId))).toEqual({ sessionId, state: 'paused' });
});

test('a phone takes the session from the new socket: the old one gets its state and its id', async () => {
  const { store, sessions, socket } = createFixture();
  await store.open('alice', 'first');
  await sessions.attach('alice', 'first', 'old');
  await sessions.attach('alice', 'first', 'new');
  const { sessionId } = Object(await sessions.rotate(socket('new', 'first')));
  // At its last code, the old one ends without harm to the session.
  expect(await sessions.close(socket('old', 'first'))).toBe('ended');
  await store.pause('alice', sessionId, phone);
  expect(await sessions.rotate(socket('old', 'first'))).toMatchObject({ sessionId, state: 'paused' });
  expect(await sessions.close(socket('old', 'first'))).toEqual({ sessionId, state: 'paused' });
  await store.complete('alice', sessionId);
  expect(await sessions.rotate(socket('old', 'first'))).toMatchObject({ sessionId, state: 'paired' });
  expect(await sessions.close(socket('new', sessionId))).toEqual({ sessionId, state: 'paired' });
});
