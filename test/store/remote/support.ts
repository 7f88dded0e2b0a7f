// A store that one process owns with clients that use it, all in the process of the test: their messages are serialised as those
// between processes. For the tests of the remote store.

import { onTestFinished } from 'vitest';
import type { EmbeddedStore } from '../../../src/store/adapter.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import type { StoreOptions } from '../../../src/store/options.ts';
import { createRemoteStore } from '../../../src/store/remote/client.ts';
import type { Peer, RemoteStore } from '../../../src/store/remote/interface.ts';
import { createStoreOwner } from '../../../src/store/remote/owner.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

type Sent = readonly (readonly unknown[])[];

export interface PeerPair {
  readonly owner: Peer;
  readonly client: Peer;
  /** Closes the channel, as the end of either process does; what is on its way is lost. */
  close(): void;
  /** From now on messages wait, as for a process that is stopped. */
  hold(): void;
  release(): void;
  /** Messages that each end has sent. */
  readonly fromOwner: Sent;
  readonly fromClient: Sent;
}

/** Two ends that are connected. */
export function createPeerPair(): PeerPair {
  let isOpen = true;
  let isHeld = false;
  const held: (() => void)[] = [];
  const closed: (() => void)[] = [];
  const sent = { owner: [] as (readonly unknown[])[], client: [] as (readonly unknown[])[] };
  const listeners: { owner?: (message: unknown) => void; client?: (message: unknown) => void } = {};

  const endOf = (mine: 'owner' | 'client', others: 'owner' | 'client'): Peer => ({
    send: (message, onSent) => {
      sent[mine].push(message);
      const text = JSON.stringify(message);
      const arrive = (): void => {
        onSent();
        if (isOpen) listeners[others]?.(JSON.parse(text));
      };
      if (isHeld) held.push(arrive);
      else setImmediate(arrive);
    },
    later: setImmediate,
    onMessage: (listener) => {
      listeners[mine] = listener;
    },
    onClose: (listener) => {
      if (isOpen) closed.push(listener);
      else setImmediate(listener);
    },
  });

  return {
    owner: endOf('owner', 'client'),
    client: endOf('client', 'owner'),
    close: () => {
      if (!isOpen) return;
      isOpen = false;
      for (const listener of closed) listener();
    },
    hold: () => {
      isHeld = true;
    },
    release: () => {
      isHeld = false;
      for (const arrive of held.splice(0)) arrive();
    },
    fromOwner: sent.owner,
    fromClient: sent.client,
  };
}

export interface RemoteClient extends RemoteStore {
  readonly pair: PeerPair;
}

/** Clients of a store, which the end of the test closes. */
export function serveClients(
  store: EmbeddedStore,
  { clock, log }: Pick<StoreOptions, 'clock' | 'log'>,
  count: number,
): readonly RemoteClient[] {
  const owner = createStoreOwner({ store, clock, log });
  onTestFinished(() => owner.close());
  return Array.from({ length: count }, () => {
    const pair = createPeerPair();
    owner.serve(pair.owner);
    return { ...createRemoteStore({ peer: pair.client, clock, log }), pair };
  });
}

/** Two clients of a store in memory. */
export function openTwo(options: Partial<StoreOptions> = {}) {
  const clock = createFakeClock();
  const all = { ...storeOptions(clock), ...options };
  const embedded = createMemoryStore(all);
  const [one, other] = serveClients(embedded, all, 2);
  if (!one || !other) throw new Error('there are no clients');
  return { clock, one, other };
}
