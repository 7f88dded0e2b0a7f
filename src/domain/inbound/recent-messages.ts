// The most recently received SMS in memory, so that operators find one by its number whatever became of it. Used by
// node-messages.ts; their state comes from the store.

import { dropOldest } from '../../lib/drop-oldest.ts';
import type { Clock } from '../shared/ports.ts';
import type { InboundSms } from './model.ts';
import type { Publishing } from './publishing.ts';

export interface RecentMessage {
  readonly id: string;
  /** When it was received last, Unix time in milliseconds. */
  readonly at: number;
  readonly platform: string;
  /** In E.164 format. */
  readonly msisdn: string;
}

export interface RecentMessages {
  add(id: string, sms: Pick<InboundSms, 'platform' | 'msisdn'>): void;
  /** The newest first. */
  list(): readonly RecentMessage[];
  /** Start of the log, Unix time in milliseconds. */
  readonly since: number;
  /** Whether older ones have been evicted. */
  readonly isFull: boolean;
}

/** Half a megabyte. */
const maxRecent = 2_000;
/** Together, because V8 finds the first entry of a Map only after passing over those that were deleted before it. */
const evictedAtOnce = 100;

/** @param toMsisdn the E.164 form of a sender, undefined when it is not a phone number */
export function createRecentMessages(
  clock: Pick<Clock, 'now'>,
  toMsisdn: (sender: string) => string | undefined,
): RecentMessages {
  const messages = new Map<string, RecentMessage>();
  const since = clock.now();
  return {
    add: (id, { platform, msisdn: sender }) => {
      const msisdn = toMsisdn(sender);
      if (msisdn === undefined) return;
      // Move it to the end, which is the newest.
      messages.delete(id);
      messages.set(id, { id, at: clock.now(), platform, msisdn });
      if (messages.size > maxRecent + evictedAtOnce) dropOldest(messages, maxRecent);
    },
    list: () => [...messages.values()].reverse().slice(0, maxRecent),
    since,
    get isFull() {
      return messages.size >= maxRecent;
    },
  };
}

/** Publishing that adds what it accepts to the log; refused SMS are in a log of their own. */
export function recordRecent(publishing: Publishing, recent: RecentMessages): Publishing {
  return {
    ...publishing,
    receive: async (sms, ...rest) => {
      const received = await publishing.receive(sms, ...rest);
      const { id, reply } = received;
      if (reply === 'published' || reply === 'accepted') recent.add(id, sms);
      return received;
    },
  };
}
