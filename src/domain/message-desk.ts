// What an operator asks about messages on their way to the Publisher: which were given up, what became of one,
// and to try again. Used by the gateway's message routes.

import { SwobError } from '../errors.ts';
import type { InboundSms, LifeEvent, Parcel } from './model.ts';
import type { Outbox } from './outbox.ts';
import type { Store } from './ports.ts';

/** A message without what it says. */
interface MessageView {
  readonly id: string;
  readonly state: 'published' | 'waiting' | 'given up';
  readonly platform?: string;
  readonly msisdn?: string;
  /** Attempts since it came, or since an operator wished to try again. */
  readonly attempts?: number;
  readonly life: readonly LifeEvent[];
}

export interface MessageDesk {
  /** The oldest of those that were given up. */
  failed(limit: number): Promise<MessageView[]>;
  /** Throws NOT_FOUND when it was never here, was refused, or is long forgotten. */
  trace(id: string): Promise<MessageView>;
  /** Throws NOT_FOUND when it was not given up. */
  retry(id: string): Promise<void>;
  /** @returns how many are tried again */
  retryAll(): Promise<number>;
  /** Forgets it. Throws NOT_FOUND when it was not given up. */
  drop(id: string): Promise<void>;
}

/** Messages that are set free at once by `retryAll`. */
const batch = 100;

export function createMessageDesk(
  store: Pick<Store, 'inbound' | 'published'>,
  outbox: Outbox<InboundSms>,
): MessageDesk {
  const retryAll = async (): Promise<number> => {
    let retried = 0;
    // Bounded by what was there: those that fail again meanwhile are not tried for ever.
    let { failed: left } = await store.inbound.count();
    while (left > 0) {
      const parcels = await store.inbound.failed(Math.min(batch, left));
      if (parcels.length === 0) break;
      for (const { id } of parcels) if (await outbox.retry(id)) retried++;
      left -= parcels.length;
    }
    return retried;
  };

  return {
    failed: async (limit) => (await store.inbound.failed(limit)).map(viewOf),
    trace: async (id) => {
      // The receipt first: a parcel that has one is about to be removed.
      const receipt = await store.published.get(id);
      if (receipt) return { id, state: 'published', life: receipt.life };
      const parcel = await store.inbound.get(id);
      if (parcel) return viewOf(parcel);
      throw new SwobError('NOT_FOUND', `no message ${id}: it never came, was not for us, or is forgotten`);
    },
    retry: async (id) => {
      if (!(await outbox.retry(id))) throw notGivenUp(id);
    },
    drop: async (id) => {
      if (!(await outbox.drop(id))) throw notGivenUp(id);
    },
    retryAll,
  };
}

function notGivenUp(id: string): SwobError {
  return new SwobError('NOT_FOUND', `no message ${id} was given up`);
}

function viewOf({ id, content, dueAt, attempts, life }: Parcel<InboundSms>): MessageView {
  const { platform, msisdn } = content;
  return { id, state: dueAt === null ? 'given up' : 'waiting', platform, msisdn, attempts, life };
}
