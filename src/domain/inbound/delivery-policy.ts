// When and how often a message is sent to the Publisher again. The Publisher delivers before it responds, so a
// repetition may deliver the same message twice. Used by sms-outbox.ts.

import type { OutboxEntry } from '../shared/model.ts';
import type { AttemptOutcome } from '../shared/outbox-types.ts';
import type { InboundSms } from './model.ts';
import type { Delivery } from './ports.ts';

export interface DeliveryPolicy {
  /** Retries after a response 5xx. */
  readonly retries: number;
  /** Milliseconds before the first retry; the next pauses are 3 and 9 times as long. */
  readonly retryPauseMs: number;
  /** Retries of a message that may have been delivered. */
  readonly unknownRetries: number;
}

type Counts = Pick<OutboxEntry<InboundSms>, 'failures' | 'unknownOutcomes'>;

const pauseFactors = [1, 3, 9] as const;
const longestFactor = 9;

/** The longest pause that `outcomeOf` requests. */
export function maxRetryPauseMs({ retryPauseMs }: DeliveryPolicy): number {
  return retryPauseMs * longestFactor;
}

/** @param content the decrypted SMS, which replaces the encrypted one in the store */
export function outcomeOf(
  policy: DeliveryPolicy,
  delivery: Delivery,
  { failures = 0, unknownOutcomes = 0 }: Counts,
  content: InboundSms,
): AttemptOutcome<InboundSms> {
  if (delivery.kind === 'published') return { kind: 'delivered' };
  const { reason } = delivery;
  switch (delivery.kind) {
    case 'not sent':
    case 'refused':
      return { kind: 'retry', reason, content };
    case 'rejected':
      return { kind: 'dead-letter', reason, content };
    case 'failed':
      return {
        kind: failures < policy.retries ? 'retry' : 'dead-letter',
        reason,
        content,
        counts: 'failures',
        pauseMs: policy.retryPauseMs * (pauseFactors[failures] ?? longestFactor),
      };
    case 'unknown':
      return {
        kind: unknownOutcomes < policy.unknownRetries ? 'retry' : 'dead-letter',
        reason,
        content,
        counts: 'unknownOutcomes',
        pauseMs: policy.retryPauseMs,
      };
  }
}
