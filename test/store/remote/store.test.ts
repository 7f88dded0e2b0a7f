// What every store must do, done by one that another process owns.

import { beforeEach, describe } from 'vitest';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { leaseContract } from '../../contract/leases.ts';
import { storeContract } from '../../contract/store.ts';
import { openTwo, serveClients } from './support.ts';

storeContract('remote', async (options) => {
  const embedded = createMemoryStore(options);
  const [client] = serveClients(embedded, options, 1);
  if (!client) throw new Error('there is no client');
  return client.store;
});

describe('leases of two clients', () => {
  let now: Parameters<typeof leaseContract>[0] extends () => infer T ? T | undefined : never;
  beforeEach(() => {
    const { one, other, clock } = openTwo();
    if (!one.store.shared || !other.store.shared) throw new Error('the store is not shared');
    // Whichever client acquires the lease, the other can poll it.
    const { poll, renew } = other.store.shared.leases;
    now = { clock, leases: { ...one.store.shared.leases, poll, renew } };
  });
  leaseContract(() => {
    if (!now) throw new Error('no test is running');
    return now;
  });
});
