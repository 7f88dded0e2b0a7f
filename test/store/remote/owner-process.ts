// A process that owns a store in memory, and opens a new one when it is told to. Its clock follows that of the test. Run by
// forked.test.ts.

import { createMemoryStore } from '../../../src/store/memory/store.ts';
import type { StoreOptions } from '../../../src/store/options.ts';
import { createIpcPeer, type IpcEnd } from '../../../src/store/remote/ipc-peer.ts';
import { createStoreOwner } from '../../../src/store/remote/owner.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';

export type OwnerOrder =
  | { readonly open: Omit<StoreOptions, 'clock' | 'log'>; readonly now: number }
  | { readonly advance: number }
  | { readonly setWall: number };

const parent: IpcEnd = process;
// Each store that is opened listens.
process.setMaxListeners(0);
const peer = createIpcPeer(parent);
let receive = (_message: unknown): void => {};
peer.onMessage((message) => receive(message));
let clock: FakeClock;
let stop = (): void => {};

parent.on('message', (message) => {
  // Safe cast: forked.test.ts sends nothing else, but for the messages of the store.
  const order = message as OwnerOrder | { readonly store: unknown };
  if ('advance' in order) clock.advance(order.advance);
  else if ('setWall' in order) clock.setWall(order.setWall);
  else if ('open' in order) {
    stop();
    clock = createFakeClock(order.now);
    const log = createMemoryLog();
    const owner = createStoreOwner({ store: createMemoryStore({ ...order.open, clock, log }), clock, log });
    owner.serve({
      ...peer,
      // Only the latest store gets the messages.
      onMessage: (listener) => {
        receive = listener;
      },
    });
    stop = owner.close;
  }
});
