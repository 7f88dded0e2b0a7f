// Builds publishing and outgoing SMS with their upstream clients, for the gateway.

import type { Config } from '../../config/schema.ts';
import { type CallHealth, trackCallHealth } from '../../domain/inbound/call-health.ts';
import { createMessageAdmin, type MessageAdmin } from '../../domain/inbound/message-admin.ts';
import { observePublishing } from '../../domain/inbound/observed-publishing.ts';
import type { ClientObserver } from '../../domain/inbound/ports.ts';
import { createPublishing, type Publishing, type PublishingDeps } from '../../domain/inbound/publishing.ts';
import { createRefusalRecorder } from '../../domain/inbound/refusals.ts';
import { createRefusedSmsLog } from '../../domain/inbound/refused-sms.ts';
import { createMsisdnParser } from '../../domain/shared/identifiers.ts';
import type { Share } from '../../domain/shared/node-requests.ts';
import type { Telecom } from '../../domain/shared/ports.ts';
import { upstreamUrl } from '../../domain/shared/urls.ts';
import type { Store } from '../../domain/store.ts';
import type { Deadline } from '../../lib/deadline.ts';
import { maxDeliveries } from '../../upstream/http-delivery.ts';
import { createPublisher } from '../../upstream/publisher.ts';
import { createUserDirectory } from '../../upstream/user-directory.ts';
import type { Runtime } from './context.ts';
import { buildMessageTools, type MessageTools } from './message-tools.ts';
import { buildOutgoing, type OutgoingSms } from './outgoing.ts';
import { buildRelayPublisher, isRelayOnly, noUsers, relayRules } from './relay.ts';

export interface Messaging {
  readonly publishing: Publishing;
  readonly messageAdmin: MessageAdmin;
  readonly outgoing: OutgoingSms;
  /** For the console. */
  readonly messageTools: Pick<MessageTools, 'search' | 'actions' | 'memories' | 'numberOf'>;
  /** Recent failures of calls to upstream systems. */
  readonly callHealth: () => readonly CallHealth[];
  /** Starts deliveries, also of entries from an earlier process. */
  start(): void;
  /** Running deliveries continue. */
  startNoDeliveries(): void;
}

/** Of the stop's budget, for recording the outcome of calls that were interrupted. */
const recordOutcomeMs = 500;
/** Of the stop's budget, for messaging after requests have taken all other time. */
const messagingReserveMs = 750;
/** How often a shared store is polled for entries that other processes released. */
const sharedPollMs = 2_000;

export interface MessagingParts {
  readonly store: Store;
  readonly telecom: Telecom;
  /** Learns which gateway clients deliver. */
  readonly observer: ClientObserver;
  /** Requests to other nodes. */
  readonly share: Share;
}

export async function buildMessaging(
  config: Config,
  runtime: Runtime,
  { store, telecom, observer, share }: MessagingParts,
): Promise<Messaging> {
  const directory = createUserDirectory({
    authenticationUrl: config.dev_api.authentication_url,
    authId: config.dev_api.auth_id,
    authKey: config.dev_api.auth_key,
    authTimeoutMs: config.dev_api.timeout,
    backendUrl: upstreamUrl(config.backend_publisher),
    backendTimeoutMs: config.backend_publisher.timeout,
    cacheTtlMs: config.backend_publisher.cache_ttl,
    clock: runtime.clock,
  });
  const publisher = createPublisher({
    ...config.publisher,
    timeoutMs: config.publisher.timeout,
    maxConnections: runtime.shareOf(maxDeliveries),
    ...runtime,
  });
  runtime.metrics.pool('publisher', publisher.usage);
  const refusedSms = runtime.metrics.refusedSms(createRefusedSmsLog(runtime.clock));
  const relay = buildRelayPublisher(config, runtime);
  const relayOnly = isRelayOnly(config);
  const tracked = trackCallHealth(
    {
      publisher: runtime.metrics.publisher(publisher),
      directory: relayOnly ? noUsers : directory,
      relay,
    },
    runtime.clock,
  );
  const callHealth = (): readonly CallHealth[] =>
    tracked.health().filter(({ name }) => name === 'relay' || !relayOnly);
  runtime.health.addCalls(callHealth);
  const counted = buildPublishing(config, runtime, {
    store,
    telecom,
    observer,
    refusedSms,
    ...tracked,
    relay: tracked.relay && { ...relayRules(config, telecom), publisher: tracked.relay },
  });
  const messageAdmin = createMessageAdmin({ store, outbox: counted.outbox, refusedSms, health: callHealth });
  const tools = buildMessageTools(runtime, {
    store,
    telecom,
    publishing: counted,
    admin: messageAdmin,
    refusedSms,
    share,
  });
  const { publishing } = tools;
  const outgoing = await buildOutgoing(config, runtime, {
    store,
    telecom,
    developerApi: directory,
    share,
    pollIntervalMs: store.shared && sharedPollMs,
  });
  const startNoDeliveries = (): void => {
    publishing.outbox.stop();
    outgoing.stop();
  };
  const close = async (deadline: Deadline): Promise<number> => {
    startNoDeliveries();
    outgoing.interruptCallbacks();
    // Calls that are interrupted are recorded as such in the outbox, and repeated after the next start.
    const callDeadline = deadline.reserve(recordOutcomeMs);
    const interrupted = await Promise.all([
      publisher.close(callDeadline),
      relay?.close(callDeadline) ?? 0,
      outgoing.closeBroker(callDeadline),
    ]);
    // A user lookup may take longer, but no outcome is lost with it.
    await deadline.settles(Promise.all([publishing.idle(), outgoing.idle()]));
    return interrupted.reduce((sum, count) => sum + count);
  };
  runtime.lifecycle.defer('messaging', close, messagingReserveMs);
  return {
    publishing,
    messageAdmin,
    messageTools: tools,
    callHealth,
    outgoing,
    start: () => {
      publishing.outbox.start();
      outgoing.start();
    },
    startNoDeliveries,
  };
}

function buildPublishing(
  config: Config,
  { clock, log, metrics }: Runtime,
  parts: Pick<PublishingDeps, 'directory' | 'publisher' | 'relay' | 'refusedSms'> &
    Omit<MessagingParts, 'share'>,
): Publishing {
  const { store, telecom, observer, directory, publisher, relay, refusedSms } = parts;
  const { publisher: settings, api, limits } = config;
  const publishing = createPublishing({
    store,
    directory,
    publisher,
    relay,
    refusedSms,
    clock,
    log,
    random: Math.random,
    maxAgeMs: settings.max_age,
    maxBackoffMs: settings.max_pause,
    policy: {
      retries: settings.retries,
      retryPauseMs: settings.retry_pause,
      unknownRetries: settings.unknown_retries,
    },
    responseTimeoutMs: settings.answer_within,
    maxKept: settings.max_kept,
    deadLetterTtlMs: settings.keep_failed,
    onDeadLettered: () => metrics.deadLettered('message'),
    pollIntervalMs: store.shared && sharedPollMs,
    smsLimit: limits.sms,
    parseSender: createMsisdnParser(api.state, telecom.normalise),
  });
  return metrics.publishing(
    observePublishing(publishing, observer, createRefusalRecorder(refusedSms, clock)),
  );
}
