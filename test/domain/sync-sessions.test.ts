// A page that lost its connection and has come back over another socket, while the old one is still there.

import { expect, test } from 'vitest';
import { createSyncSessions } from '../../src/domain/sync-sessions.ts';
import { createMemoryStore } from '../../src/store/memory/store.ts';
import { phone, storeOptions } from '../contract/store.ts';
import { createFakeClock } from '../support/fake-clock.ts';

test('the old socket follows and changes nothing under the code that the new one shows', async () => {
  const { sessions: store } = createMemoryStore(storeOptions(createFakeClock()));
  const sessions = createSyncSessions(store, { production: true });
  const socket = (socketId: string, sessionId: string) => ({
    userId: 'alice',
    sessionId,
    openedWith: 'first',
    socketId,
  });
  await store.open('alice', 'first');
  await sessions.attach('alice', 'first', 'old');
  const shown = await sessions.attach('alice', 'first', 'new');
  expect(shown).toMatchObject({ sessionId: 'first', state: 'open' });

  // Its time to rotate comes first: what the page shows stays good.
  expect(await sessions.rotate(socket('old', 'first'))).toMatchObject({ sessionId: 'first' });
  const fresh = await sessions.rotate(socket('new', 'first'));
  const { sessionId } = Object(fresh);
  expect(sessionId).not.toBe('first');
  expect(await sessions.rotate(socket('old', 'first'))).toMatchObject({ sessionId });
  // Nor does its end take the session from the page.
  expect(await sessions.end(socket('old', sessionId))).toBe('ended');
  expect(await store.pause('alice', sessionId, phone)).toBe('paused');
  expect(await sessions.rotate(socket('old', sessionId))).toBe('paused');
});
