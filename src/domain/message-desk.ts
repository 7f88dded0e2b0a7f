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
  /** Tries the oldest again, 500 at most. `left` are those that it did not come to. */
  retryOldest(): Promise<{ readonly retried: number; readonly left: number }>;
  /** Forgets it. Throws NOT_FOUND when it was not given up. */
  drop(id: string): Promise<void>;
}

/** Each is a write to the disk, and somebody waits for the answer. */
const retriedAtOnce = 500;

export function createMessageDesk(
  store: Pick<Store, 'inbound' | 'published'>,
  outbox: Outbox<InboundSms>,
): MessageDesk {
  const retryOldest: MessageDesk['retryOldest'] = async () => {
    const { failed } = await store.inbound.count();
    const oldest = await store.inbound.failed(retriedAtOnce);
    let retried = 0;
    for (const { id } of oldest) if (await outbox.retry(id)) retried++;
    return { retried, left: Math.max(0, failed - oldest.length) };
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
    retryOldest,
  };
}

function notGivenUp(id: string): SwobError {
  return new SwobError('NOT_FOUND', `no message ${id} was given up`);
}

function viewOf({ id, content, dueAt, attempts, life }: Parcel<InboundSms>): MessageView {
  const { platform, msisdn } = content;
  return { id, state: dueAt === null ? 'given up' : 'waiting', platform, msisdn, attempts, life };
}
