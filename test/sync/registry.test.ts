// Which socket is found by a session, when sessions go on under other ids and sockets share one.

import { expect, test } from 'vitest';
import type { Connection } from '../../src/sync/connection.ts';
import { createRegistry } from '../../src/sync/registry.ts';

/** What the registry looks at. */
function connection(userId: string, openedWith: string) {
  const nothing = () => undefined;
  return {
    ...{ userId, openedWith, sessionId: openedWith },
    ...{ start: async () => undefined, pause: nothing, ack: nothing, received: nothing, failed: nothing },
    ...{ giveUp: nothing, end: nothing, heard: nothing, missed: nothing },
  } satisfies Connection;
}

function rotate(
  registry: ReturnType<typeof createRegistry>,
  one: { sessionId: string } & Connection,
  to: string,
) {
  registry.rotated(one, to);
  one.sessionId = to;
}

test('a socket is found by the session that it shows, and its URL lets in no other one', () => {
  const registry = createRegistry();
  const first = connection('alice', 'a');
  expect(registry.add(first)).toBe(true);
  rotate(registry, first, 'b');
  rotate(registry, first, 'c');
  expect(['a', 'b', 'c'].map((id) => registry.find('alice', id))).toEqual([undefined, undefined, first]);
  expect(['a', 'b', 'c'].map((id) => registry.add(connection('alice', id)))).toEqual([false, true, false]);
  expect(registry.add(connection('bob', 'a'))).toBe(true);
  registry.remove(first);
  expect(['a', 'c'].map((id) => registry.add(connection('alice', id)))).toEqual([true, true]);
});

test('a socket that goes takes nothing from the one that shows its session now', () => {
  const registry = createRegistry();
  const [gone, back] = [connection('alice', 'a'), connection('alice', 'b')];
  for (const one of [gone, back]) registry.add(one);
  rotate(registry, gone, 'c');
  rotate(registry, back, 'c');
  registry.remove(gone);
  expect(registry.find('alice', 'c')).toBe(back);
});
