// One process, the owner, has the embedded store open and serves it to other processes, its clients, over the channel between
// them. To a client it is a shared store, as Redis is. owner.ts is the side of the owner, client.ts that of a client.

import type { Clock, Log } from '../../domain/shared/ports.ts';
import type { EmbeddedStore, OpenedStore } from '../adapter.ts';

/** One end of the channel between the owner and one client. ipc-peer.ts makes one of a process; tests use a pair in memory. */
export interface Peer {
  /**
   * Sends a message, a list that JSON can hold, in order; never throws, and drops it when the channel is closed.
   * @param onSent called once the channel has taken it, or dropped it
   */
  send(message: readonly unknown[], onSent: () => void): void;
  /** Runs the callback a few milliseconds later: what nobody waits for can share a message with what comes until then. */
  later(work: () => void): void;
  /** Must be called before the other end sends; one listener. */
  onMessage(listener: (message: unknown) => void): void;
  /** Runs once when the channel is closed, also when it is closed already; one listener. */
  onClose(listener: () => void): void;
}

export interface StoreOwnerDeps {
  /** `embedded` of what its adapter has opened. The caller closes it, after the owner. */
  readonly store: EmbeddedStore;
  readonly clock: Clock;
  readonly log: Log;
}

/** `createStoreOwner(deps: StoreOwnerDeps): StoreOwner` of owner.ts, once in the process that has opened the store. */
export interface StoreOwner {
  /**
   * Serves a client until its channel closes or the returned function is called. Its claims can then be claimed by others
   * immediately, with the attempts that it has recorded.
   */
  serve(peer: Peer): () => void;
  /** Ends all clients: their calls fail from now on. */
  close(): void;
}

export interface RemoteStoreDeps {
  readonly peer: Peer;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * `createRemoteStore(deps: RemoteStoreDeps): RemoteStore` of client.ts, once in each client. Synchronous: the first call is the
 * first message. Every call throws UNAVAILABLE immediately when the owner is away. Closing the store returns its claims.
 */
export type RemoteStore = Required<Pick<OpenedStore, 'store' | 'channels'>>;
