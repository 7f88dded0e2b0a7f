// A process that uses a store of its parent: claims all entries, records an attempt of the first, and says so. Run by
// forked.test.ts, which kills it.

import { systemClock } from '../../../src/app/system-clock.ts';
import { createRemoteStore } from '../../../src/store/remote/client.ts';
import { createIpcPeer, type IpcEnd } from '../../../src/store/remote/ipc-peer.ts';
import { createMemoryLog } from '../../support/log.ts';

const parent: IpcEnd = process;
const { store } = createRemoteStore({
  peer: createIpcPeer(parent),
  clock: systemClock,
  log: createMemoryLog(),
});
const ids = await store.inbound.claim(Number.MAX_SAFE_INTEGER, 9);
const first = await store.inbound.get(ids[0] ?? '');
const claim = first && (await store.inbound.putClaimed({ ...first, attemptStartedAt: 7 }));
parent.send?.({ claimed: ids, claim }, () => {});
