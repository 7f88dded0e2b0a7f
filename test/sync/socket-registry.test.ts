// Finds sockets by session while sessions are renamed and sockets share one.

import { expect, test } from 'vitest';
import { createSocketRegistry } from '../../src/sync/socket-registry.ts';
import type { SyncSocket } from '../../src/sync/sync-socket.ts';

/** A socket with the members that the registry reads. */
function createSocket(userId: string, sessionId: string) {
  const noop = () => undefined;
  return {
    ...{ userId, initialSessionId: sessionId, sessionId },
    ...{ start: async () => undefined, pause: noop, ack: noop, onMessage: noop, onError: noop },
    ...{ fail: noop, close: noop, onEvent: noop, onMissedEvents: noop },
  } satisfies SyncSocket;
}

function rotate(
  registry: ReturnType<typeof createSocketRegistry>,
  socket: { sessionId: string } & SyncSocket,
  sessionId: string,
) {
  registry.rename(socket, sessionId);
  socket.sessionId = sessionId;
}

test('a socket is found by the session that it shows, and no second socket is added with its URL', () => {
  const registry = createSocketRegistry();
  const first = createSocket('alice', 'a');
  expect(registry.add(first)).toBe(true);
  rotate(registry, first, 'b');
  rotate(registry, first, 'c');
  expect(['a', 'b', 'c'].map((id) => registry.find('alice', id))).toEqual([undefined, undefined, first]);
  expect(['a', 'b', 'c'].map((id) => registry.add(createSocket('alice', id)))).toEqual([false, true, false]);
  expect(registry.add(createSocket('bob', 'a'))).toBe(true);
  registry.remove(first);
  expect(['a', 'c'].map((id) => registry.add(createSocket('alice', id)))).toEqual([true, true]);
});

test('removing a socket does not remove the one that now shows its session', () => {
  const registry = createSocketRegistry();
  const [removed, current] = [createSocket('alice', 'a'), createSocket('alice', 'b')];
  for (const socket of [removed, current]) registry.add(socket);
  rotate(registry, removed, 'c');
  rotate(registry, current, 'c');
  registry.remove(removed);
  expect(registry.find('alice', 'c')).toBe(current);
});
