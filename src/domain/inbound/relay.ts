// Relaying of payloads that only a RelaySMS Publisher can read: what is relayed, and when it is repeated. Used by sms-outbox.ts.

import type { OutboxEntry } from '../shared/model.ts';
import type { AttemptOutcome, FailedAttempt } from '../shared/outbox-types.ts';
import type { InboundSms } from './model.ts';
import type { Delivery, Publisher } from './ports.ts';

export interface RelayOptions {
  /** Posts the text of an SMS unchanged. */
  readonly publisher: Publisher;
  /** Whether the country of this sender is allowed. */
  readonly isAllowed: (msisdn: string) => boolean;
  /** The fewest bytes of a payload. */
  readonly minBytes: number;
  readonly maxAgeMs: number;
}

const notConfigured: FailedAttempt<InboundSms> = {
  kind: 'retry',
  reason: '[relay] url is empty, so that it cannot be relayed: set it, or drop the message',
};

/** The outcome of an attempt whose process was killed. */
export const interruptedRelay: FailedAttempt<InboundSms> = {
  kind: 'retry',
  // A RelaySMS payload decrypts only once, so that a repetition delivers nothing twice.
  reason: 'swob ended before the RelaySMS Publisher answered, so that it is repeated',
  counts: 'unknownOutcomes',
};

/** Posts the entry; it is repeated until it is taken, rejected or too old. */
export async function relayEntry(
  relay: RelayOptions | undefined,
  { id, content }: OutboxEntry<InboundSms>,
  beforeSend: () => Promise<void>,
): Promise<AttemptOutcome<InboundSms>> {
  if (!relay) return notConfigured;
  return outcomeOfRelay(await relay.publisher.publish(id, content.msisdn, content.text, beforeSend));
}

function outcomeOfRelay(delivery: Delivery): AttemptOutcome<InboundSms> {
  if (delivery.kind === 'published') return { kind: 'delivered' };
  const { kind, reason } = delivery;
  if (kind === 'rejected') return { kind: 'dead-letter', reason };
  return { kind: 'retry', reason, counts: kind === 'unknown' ? 'unknownOutcomes' : undefined };
}
