// Claims of several processes in the outboxes of one store: as the store keeps them, and over the channel to it.

import { onTestFinished } from 'vitest';
import type { EmbeddedStore } from '../../../src/store/adapter.ts';
import { openLowdbStore } from '../../../src/store/lowdb/store.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import type { StoreOptions } from '../../../src/store/options.ts';
import { processOutboxContract } from '../../contract/process-outboxes.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { serveClients } from './support.ts';

const options = (): StoreOptions => ({ ...storeOptions(createFakeClock()), inbound: { max: 1_000 } });

const openMemory = async () => createMemoryStore(options());
const openFolder = async () => {
  const store = await openLowdbStore({ ...options(), folder: temporaryFolder() });
  onTestFinished(() => store.close());
  return store;
};
const join = (open: () => Promise<EmbeddedStore>) => async (count: number) => {
  const store = await open();
  return Array.from({ length: count }, () => {
    const { inbound, release } = store.joinProcess();
    return { inbound, end: release };
  });
};
const serve = (open: () => Promise<EmbeddedStore>) => async (count: number) => {
  const clients = serveClients(await open(), options(), count);
  return clients.map(({ store: { inbound }, pair }) => ({ inbound, end: pair.close }));
};

processOutboxContract('memory', join(openMemory));
processOutboxContract('folder', join(openFolder));
processOutboxContract('remote memory', serve(openMemory));
processOutboxContract('remote folder', serve(openFolder));
