// The store over the IPC channel of real processes.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../../src/app/system-clock.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import type { StoreOptions } from '../../../src/store/options.ts';
import { createRemoteStore } from '../../../src/store/remote/client.ts';
import { createIpcPeer } from '../../../src/store/remote/ipc-peer.ts';
import { createStoreOwner } from '../../../src/store/remote/owner.ts';
import { waiting } from '../../contract/outboxes.ts';
import { storeContract, storeOptions, user } from '../../contract/store.ts';
import { endChild, freezeProcess } from '../../support/children.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';
import type { OwnerOrder } from './owner-process.ts';

function forkSource(name: string): ChildProcess {
  const child = fork(fileURLToPath(new URL(name, import.meta.url)), { execArgv: ['--import', 'tsx'] });
  // Each store that the contract opens listens.
  child.setMaxListeners(0);
  return child;
}

let owner: ChildProcess;
beforeAll(() => {
  owner = forkSource('owner-process.ts');
});
afterAll(() => endChild(owner));

const order = (message: OwnerOrder): void => void owner.send(message);

storeContract('forked', async ({ clock, log, ...open }: StoreOptions) => {
  // Safe cast: the contract passes the clock of `storeOptions`, which the owner's follows.
  const fake = clock as FakeClock;
  const { advance, setWall } = fake;
  fake.advance = (ms) => {
    advance(ms);
    order({ advance: ms });
  };
  fake.setWall = (ms) => {
    setWall(ms);
    order({ setWall: ms });
  };
  order({ open, now: clock.now() });
  return createRemoteStore({ peer: createIpcPeer(owner), clock, log }).store;
});

test('claims of a killed process can be claimed immediately, with the attempt that it has recorded', async () => {
  const options = storeOptions(createFakeClock());
  const embedded = createMemoryStore(options);
  const { serve, close } = createStoreOwner({ store: embedded, ...options });
  for (const id of ['a', 'b']) await embedded.inbound.put(waiting(id, 1));
  const child = forkSource('client-process.ts');
  onTestFinished(async () => {
    close();
    await endChild(child);
  });
  serve(createIpcPeer(child));
  const told: unknown[] = [];
  child.on('message', (message) => told.push(message));
  await vi.waitFor(() => expect(told).toContainEqual({ claimed: ['a', 'b'], claim: 'claimed' }));
  expect(await embedded.inbound.claim(9, 9)).toEqual([]);
  await endChild(child);
  await vi.waitFor(async () => expect(await embedded.inbound.claim(9, 9)).toEqual(['a', 'b']));
  expect(await embedded.inbound.get('a')).toEqual({ ...waiting('a', 1), attemptStartedAt: 7 });
});

test('calls fail immediately when the owner is killed, and later', async () => {
  const child = forkSource('owner-process.ts');
  onTestFinished(() => endChild(child));
  const { clock: _, log: __, ...open } = storeOptions(createFakeClock());
  child.send({ open, now: 0 } satisfies OwnerOrder);
  const { store } = createRemoteStore({
    peer: createIpcPeer(child),
    clock: systemClock,
    log: createMemoryLog(),
  });
  await store.users.put(user);
  freezeProcess(child);
  const running = store.users.get(user.userId);
  const ended = endChild(child);
  await expect(running).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await expect(store.users.get(user.userId)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await ended;
});
