// The outbox of inbound SMS: decrypts and publishes those of paired users, and relays the others. Used by publishing.ts.

import { messageOf } from '../../errors.ts';
import type { OutboxEntry } from '../shared/model.ts';
import { createOutbox } from '../shared/outbox.ts';
import { appendHistory } from '../shared/outbox-attempts.ts';
import type { AttemptOutcome, Outbox, OutboxOptions, Postponed } from '../shared/outbox-types.ts';
import { type AttemptShare, createAttemptShare } from './attempt-share.ts';
import { type DeliveryPolicy, maxRetryPauseMs, outcomeOf } from './delivery-policy.ts';
import type { FirstAttempts } from './first-attempts.ts';
import type { InboundSms } from './model.ts';
import { type Parts, partsKey, partTtlMs } from './parts.ts';
import type { InboundStore, Publisher } from './ports.ts';
import type { RecordRefusal } from './refusals.ts';
import { refusalReasons } from './refused-sms.ts';
import { interruptedRelay, type RelayOptions, relayEntry } from './relay.ts';
import { isOfPhone, type Reading, type SmsReader } from './sms-reader.ts';
import type { StrangerQuotas } from './stranger-quotas.ts';

type Options = OutboxOptions<InboundSms>;

export interface SmsOutboxDeps
  extends Pick<Options, 'clock' | 'log' | 'random' | 'maxBackoffMs' | 'deadLetterTtlMs' | 'pollIntervalMs'> {
  readonly store: Pick<InboundStore, 'inbound' | 'receipts'>;
  readonly publisher: Publisher;
  /** Undefined: nothing is relayed. */
  readonly relay?: RelayOptions | undefined;
  readonly policy: DeliveryPolicy;
  /** Of messages that are not relayed, in milliseconds. */
  readonly maxAgeMs: number;
  readonly onDeadLettered?: (() => void) | undefined;
}

interface SmsOutboxParts {
  readonly reader: SmsReader;
  readonly firstAttempts: FirstAttempts;
  readonly quotas: StrangerQuotas;
  readonly recordRefusal: RecordRefusal;
  readonly deliverPart: Parts['deliver'];
}

/** Concurrent attempts of stored messages, and those of them that go to the same one of two Publishers. */
const retryConcurrency = 16;
const maxToOnePublisher = 12;

export function createSmsOutbox(deps: SmsOutboxDeps, parts: SmsOutboxParts): Outbox<InboundSms> {
  const { store, publisher, relay, clock, policy } = deps;
  const { reader, firstAttempts, quotas, recordRefusal } = parts;

  const shareOf = (): AttemptShare => createAttemptShare(relay ? maxToOnePublisher : retryConcurrency, clock);
  const publisherShare = shareOf();
  const relayShare = shareOf();
  /** First attempts do not take from the share of the others. */
  const withShare = <R>(
    share: AttemptShare,
    id: string,
    attempt: () => Promise<R>,
  ): Promise<R | Postponed> => (firstAttempts.find(id) ? attempt() : share.run(attempt));

  /** Stores the receipt; a failure does not change that the message is published. */
  const storeReceipt = async (
    { id, history }: OutboxEntry<InboundSms>,
    event: 'published' | 'relayed to the RelaySMS Publisher',
  ): Promise<void> => {
    const { reply = 'accepted', log = deps.log } = firstAttempts.find(id) ?? {};
    try {
      await store.receipts.put(id, { reply, history: appendHistory(history, clock.now(), event) });
    } catch (error) {
      log.error({ id, reason: messageOf(error) }, `${event}, but the receipt could not be stored`);
    }
    log.info({ id }, event);
  };

  const publish = async (
    entry: OutboxEntry<InboundSms>,
    message: string,
    beforeSend: () => Promise<void>,
  ): Promise<AttemptOutcome<InboundSms>> => {
    const { id, content } = entry;
    const delivery = await publisher.publish(id, content.msisdn, message, beforeSend);
    const { address: _, ...sms } = content;
    const outcome = outcomeOf(policy, delivery, entry, { ...sms, message });
    if (outcome.kind === 'delivered') await storeReceipt(entry, 'published');
    return outcome;
  };

  const forward = async (
    entry: OutboxEntry<InboundSms>,
    beforeSend: () => Promise<void>,
  ): Promise<AttemptOutcome<InboundSms>> => {
    const outcome = await relayEntry(relay, entry, beforeSend);
    if (outcome.kind === 'delivered') await storeReceipt(entry, 'relayed to the RelaySMS Publisher');
    return outcome;
  };

  const readStored = async (sms: InboundSms): Promise<Reading> =>
    sms.message === undefined ? reader.read(sms) : { kind: 'message', message: sms.message };

  const deliver: Options['deliver'] = async (entry, beforeSend) => {
    const { id, content } = entry;
    if (content.part !== undefined) return parts.deliverPart(entry);
    // Published by a process that was killed before it removed the entry.
    if (!firstAttempts.find(id) && (await store.receipts.get(id))) return { kind: 'delivered' };
    if (content.relayed) return withShare(relayShare, id, () => forward(entry, beforeSend));
    const reading = await readStored(content);
    if (reading.kind === 'failed' || reading.kind === 'overloaded')
      return { kind: 'retry', reason: reading.reason };
    quotas.unverified.release(id);
    if (reading.kind === 'message') {
      const { message } = reading;
      return withShare(publisherShare, id, () => publish(entry, message, beforeSend));
    }
    const reason = refusalReasons[reading.kind];
    // Its sender is a user who was told `accepted`, so that an operator may have to explain what became of it.
    if (isOfPhone(reading)) return { kind: 'dead-letter', reason };
    if (relay?.isAllowed(content.msisdn)) {
      const next = { ...content, relayed: true } as const;
      quotas.relayed.track({ id, content: next });
      // Stored as such before it is sent, because an interrupted attempt to relay is repeated.
      return { kind: 'retry', reason: `${reason}; it is relayed`, content: next, pauseMs: 0 };
    }
    // It was stored only because the back end was down; operators need not see the SMS of strangers.
    recordRefusal(id, content, relay ? 'country' : reading.kind, deps.log);
    return { kind: 'delivered' };
  };

  const onInterrupted = async (entry: OutboxEntry<InboundSms>): Promise<AttemptOutcome<InboundSms>> => {
    if (await store.receipts.get(entry.id)) return { kind: 'delivered' };
    if (entry.content.relayed) return interruptedRelay;
    const delivery = { kind: 'unknown', reason: 'swob ended before the Publisher answered' } as const;
    return outcomeOf(policy, delivery, entry, entry.content);
  };

  /** What is delivered no longer counts, however that was found out. */
  const released = <R extends AttemptOutcome<InboundSms> | Postponed>(id: string, outcome: R): R => {
    if (outcome.kind === 'delivered') for (const quota of quotas.all) quota.release(id);
    return outcome;
  };

  return createOutbox<InboundSms>({
    ...deps,
    name: 'message',
    store: store.inbound,
    concurrency: retryConcurrency,
    maxAgeMs: ({ relayed, part }) => {
      // Parts have a time to live of their own.
      if (part !== undefined) return Number.POSITIVE_INFINITY;
      return relayed && relay ? relay.maxAgeMs : deps.maxAgeMs;
    },
    // A RelaySMS Publisher decrypts the payloads of a sender in their order only. Those of strangers may be relayed later.
    orderKeyOf: ({ msisdn, address, part }) => {
      // An incomplete one that is retried is not held back by others.
      if (part !== undefined) return part === 'incomplete' ? undefined : partsKey(msisdn);
      return relay && address !== undefined ? msisdn : undefined;
    },
    maxRequestedPauseMs: Math.max(maxRetryPauseMs(policy), partTtlMs),
    evict: quotas.evict,
    mayEvictDeadLetters: ({ address }) => address === undefined,
    deliver: async (entry, beforeSend) => released(entry.id, await deliver(entry, beforeSend)),
    onInterrupted: async (entry) => released(entry.id, await onInterrupted(entry)),
  });
}
