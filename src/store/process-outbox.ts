// Outboxes that a process owns and serves to others, each of which has claims of its own. Used by the memory and lowdb
// stores.

import type { OutboxStore } from '../domain/shared/ports.ts';
import type { Store } from '../domain/store.ts';
import type { ProcessOutboxes } from './adapter.ts';

/** An outbox as one process uses it. */
interface ProcessOutbox<T> {
  readonly store: OutboxStore<T>;
  /** Ends all claims of the process: their entries are due as before. */
  release(): void;
}

export type JoinOutbox<T> = () => ProcessOutbox<T>;

type OutboxName = Exclude<keyof ProcessOutboxes, 'release'>;
type ContentOf<K extends OutboxName> = Store[K] extends OutboxStore<infer T> ? T : never;

/** Joins all outboxes of a store together. */
export function joinOutboxes(
  join: {
    readonly [K in OutboxName]: JoinOutbox<ContentOf<K>>;
  },
): ProcessOutboxes {
  const [inbound, callbacks, waitingSms] = [join.inbound(), join.callbacks(), join.waitingSms()];
  return {
    inbound: inbound.store,
    callbacks: callbacks.store,
    waitingSms: waitingSms.store,
    release: () => {
      for (const outbox of [inbound, callbacks, waitingSms]) outbox.release();
    },
  };
}
