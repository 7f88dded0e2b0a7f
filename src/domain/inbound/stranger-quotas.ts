// The quotas of SMS that strangers can submit, and which of them are evicted in favour of the messages of users. Used by publishing.ts.

import type { OutboxEntry } from '../shared/model.ts';
import type { OutboxStore } from '../shared/ports.ts';
import type { InboundSms } from './model.ts';
import { maxPartsOfSender } from './part-assembly.ts';
import { createSenderQuota, type SenderQuota } from './sender-quota.ts';

/** Parts of all senders, which are 153 kB of text. */
const maxParts = 1_000;

export interface StrangerQuotas {
  /** SMS whose senders cannot be verified, because the back end is down. */
  readonly unverified: SenderQuota;
  /** SMS to relay, dead letters included. */
  readonly relayed: SenderQuota;
  /** Parts of longer SMS that wait for the others. */
  readonly parts: SenderQuota;
  /** Dead-lettered parts. */
  readonly incompleteParts: SenderQuota;
  readonly all: readonly SenderQuota[];
  /** Evicts an SMS in favour of another one; false when there is none. */
  evict(): Promise<boolean>;
}

/** @param maxKept the most messages in the outbox */
export function createStrangerQuotas(
  store: OutboxStore<InboundSms>,
  maxKept: number,
  onRelayedEvicted: (entry: OutboxEntry<InboundSms>) => void,
  onPartEvicted: (entry: OutboxEntry<InboundSms>) => void,
): StrangerQuotas {
  const half = Math.ceil(maxKept / 2);
  const unverified = createSenderQuota({
    store,
    // A sender: more than a person sends while the back end restarts. An address: a gateway phone submits the SMS of many
    // senders; SMS of users who were verified before do not count.
    most: { all: half, address: Math.min(100, Math.ceil(maxKept / 10)), sender: 10 },
    isCounted: ({ address, message, relayed, part }) =>
      address !== undefined && message === undefined && !relayed && part === undefined,
    refusal: 'too many SMS of this sender or address wait for the back end',
  });
  const relayed = createSenderQuota({
    store,
    // Generous, because a Publisher may be away for a day, and images come in many SMS.
    most: { all: half, address: Math.ceil(maxKept / 4), sender: 100 },
    isCounted: (sms) => sms.relayed === true,
    refusal: 'too many SMS of this sender or address wait for the RelaySMS Publisher, or were dead-lettered',
    onEvicted: onRelayedEvicted,
  });
  const quarter = Math.min(maxParts, Math.ceil(maxKept / 4));
  const parts = createSenderQuota({
    store,
    most: { all: quarter, address: Math.ceil(quarter / 2), sender: maxPartsOfSender },
    isCounted: ({ part }) => part !== undefined && part !== 'incomplete',
    refusal: 'too many parts of longer SMS of this sender or address wait for the others',
    onEvicted: onPartEvicted,
  });
  const incompleteParts = createSenderQuota({
    store,
    // Their senders may keep sending: the oldest are evicted.
    most: { all: quarter, address: quarter + 1, sender: quarter + 1 },
    isCounted: ({ part }) => part === 'incomplete',
    refusal: 'too many parts of longer SMS are dead-lettered',
    onEvicted: onPartEvicted,
  });
  return {
    unverified,
    relayed,
    parts,
    incompleteParts,
    all: [unverified, relayed, parts, incompleteParts],
    evict: async () =>
      (await incompleteParts.evict()) ||
      (await parts.evict()) ||
      (await unverified.evict()) ||
      relayed.evict(),
  };
}
