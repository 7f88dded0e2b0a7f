// What the owner of a store does with an answer that does not fit beside those that its client has left unread.

import { expect, test, vi } from 'vitest';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { maxResultWeight } from '../../../src/store/remote/bounds.ts';
import { createRemoteStore } from '../../../src/store/remote/client.ts';
import { createStoreOwner } from '../../../src/store/remote/owner.ts';
import { weightOf } from '../../../src/store/remote/weight.ts';
import { waiting } from '../../contract/outboxes.ts';
import { storeOptions, user } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { onEnd } from '../../support/teardown.ts';
import { createPeerPair } from './support.ts';

const unread = { message: expect.stringContaining('left too many answers unread') };

/** An owner with a client that reads no answer, and another one that does. */
function openOwner() {
  const options = storeOptions(createFakeClock());
  const memory = createMemoryStore(options);
  // The long member is the last one, because weights are not counted to the end.
  const { publicKey: _, ...rest } = user;
  const pageOf = (length: number) => ({ users: [{ ...rest, publicKey: 'x'.repeat(length) }] });
  const page = pageOf(maxResultWeight - weightOf(pageOf(0)) - 1);
  const users = { ...memory.users, list: async () => page };
  const owner = createStoreOwner({ store: { ...memory, users }, ...options });
  onEnd(async () => owner.close());
  let receive = (_: unknown): void => {};
  const answers: unknown[] = [];
  owner.serve({
    send: (message) => answers.push(...message),
    later: () => {},
    onMessage: (listener) => {
      receive = listener;
    },
    onClose: () => {},
  });
  const call = async (...calls: readonly (readonly [name: string, args: readonly unknown[]])[]) => {
    const before = answers.length;
    receive(calls.map(([name, args], index) => [before + index + 1, name, args]));
    await vi.waitFor(() => expect(answers).toHaveLength(before + calls.length));
    return answers.slice(before);
  };
  const pair = createPeerPair();
  owner.serve(pair.owner);
  const { store } = createRemoteStore({ peer: pair.client, ...options });
  return {
    store,
    call,
    /** Leaves room for four characters. */
    fill: () => call(...Array.from({ length: 4 }, () => ['users.list', ['', 9]] as const)),
  };
}

test('returns claims', async () => {
  const { store, call, fill } = openOwner();
  const ids = ['a', 'b'];
  for (const id of ids) await store.inbound.put(waiting(id, 1));
  await fill();
  expect(await call(['inbound.claim', [1, 2]])).toMatchObject([[expect.any(Number), 1, unread]]);
  expect(await store.inbound.claim(1, 9)).toEqual(ids);
});

test('takes back leases and counts', async () => {
  const { store, call, fill } = openOwner();
  const limit = { count: 2, windowMs: 60_000 };
  const countsOf = (address: string) => [{ key: `sms:address:${address}` as const, limit }];
  await fill();
  const refused = await call(
    ['leases.acquire', ['one', 60_000]],
    ['leases.acquireCounted', ['two', 60_000, countsOf('a')]],
    ['limits.consume', ['sms:address:b', limit, 2]],
    ['limits.consumeAll', [countsOf('c'), 2]],
  );
  for (const answer of refused) expect(answer).toMatchObject([expect.any(Number), 1, unread]);
  for (const key of ['one', 'two'])
    expect(await store.shared?.leases.acquire(key, 1)).toMatchObject({ acquired: true });
  for (const address of ['a', 'b', 'c'])
    expect(await store.limits.consume(`sms:address:${address}`, limit, 2)).toBe(0);
});
