// Builds the relay to a RelaySMS Publisher, if one is configured. Used by messaging.ts, and by the checks of upstream systems.

import type { Config } from '../../config/schema.ts';
import type { UserDirectory } from '../../domain/inbound/ports.ts';
import type { Telecom } from '../../domain/shared/ports.ts';
import { maxDeliveries } from '../../upstream/http-delivery.ts';
import { createRelayPublisher, publicationsUrl } from '../../upstream/relay-publisher.ts';
import type { Runtime } from './context.ts';

/** Of the configuration, what an SMS must have to be relayed. */
export function relayRules({ relay }: Config, telecom: Telecom) {
  return {
    minBytes: relay.min_bytes,
    maxAgeMs: relay.max_age,
    isAllowed: (msisdn: string): boolean =>
      relay.allow.length === 0 || relay.allow.includes(telecom.region(msisdn) ?? ''),
  };
}

/** Undefined when nothing is relayed. Its calls are counted. */
export function buildRelayPublisher({ relay }: Config, { metrics, clock, log, shareOf }: Runtime) {
  if (relay.url === '') return metrics.relay(undefined);
  const { url, tag, timeout: timeoutMs } = relay;
  const publisher = createRelayPublisher({
    url,
    tag,
    timeoutMs,
    maxConnections: shareOf(maxDeliveries),
    clock,
    log,
  });
  metrics.pool('relay', publisher.usage);
  return metrics.relay(publisher);
}

/** The URL of the relay, for checks; undefined when nothing is relayed. */
export function relayUrl({ relay }: Config): string | undefined {
  return relay.url === '' ? undefined : publicationsUrl(relay.url).href;
}

/** Whether every SMS is relayed, as no back end can be asked for the user of a number. */
export function isRelayOnly({ relay, dev_api }: Config): boolean {
  return relay.url !== '' && dev_api.auth_id === '';
}

/** The back end of an installation that has none. */
export const noUsers: UserDirectory = { userOf: async () => ({ kind: 'unknown' }) };
