// Counts calls to the Publisher by outcome, and refused SMS by reason. Used by app-metrics.ts.

import type { Delivery, Publisher } from '../../domain/inbound/ports.ts';
import type { RefusalReason, RefusedSmsLog } from '../../domain/inbound/refused-sms.ts';
import type { LabelOf, MetricsRegistry } from '../../metrics/registry.ts';

/** Label values have no spaces. */
const outcomeLabels = {
  published: 'published',
  'not sent': 'not_sent',
  refused: 'refused',
  rejected: 'rejected',
  failed: 'failed',
  unknown: 'unknown',
} as const satisfies Record<Delivery['kind'], LabelOf<'swob_publisher_calls_total'>>;

const reasonLabels = {
  'not base64': 'not_base64',
  sender: 'sender',
  test: 'test',
  duplicate: 'duplicate',
  'address limit': 'address_limit',
  'sender limit': 'sender_limit',
  'unknown number': 'unknown_number',
  'not paired': 'not_paired',
  revoked: 'revoked',
  'wrong key': 'wrong_key',
  'no relay': 'no_relay',
  country: 'country',
  'relay quota': 'relay_quota',
  evicted: 'evicted',
  'parts limit': 'parts_limit',
  'unverified sender': 'unverified_sender',
} as const satisfies Record<RefusalReason, LabelOf<'swob_sms_refusals_total'>>;

export function instrumentPublisher(
  count: (outcome: LabelOf<'swob_publisher_calls_total'> & LabelOf<'swob_relay_calls_total'>) => void,
  publisher: Publisher,
): Publisher {
  return {
    ...publisher,
    publish: async (...args) => {
      const delivery = await publisher.publish(...args);
      count(outcomeLabels[delivery.kind]);
      return delivery;
    },
  };
}

export function instrumentRefusedSms(registry: MetricsRegistry, history: RefusedSmsLog): RefusedSmsLog {
  const count = registry.counter('swob_sms_refusals_total');
  return {
    ...history,
    add: (id, sms, reason) => {
      count(reasonLabels[reason]);
      history.add(id, sms, reason);
    },
  };
}
