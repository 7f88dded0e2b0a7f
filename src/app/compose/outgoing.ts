// Builds outgoing SMS: the broker, what became of each message, and the callbacks to developers. Used by messaging.ts.

import type { Config } from '../../config/schema.ts';
import { randomNumber } from '../../crypto/random.ts';
import { createAddressing } from '../../domain/outgoing/addressing.ts';
import { createDeveloperCallbacks } from '../../domain/outgoing/developer-callbacks.ts';
import { createDevelopers } from '../../domain/outgoing/developers.ts';
import { maxMessageId } from '../../domain/outgoing/message-bodies.ts';
import { createMessageLog } from '../../domain/outgoing/message-log.ts';
import type { Callback } from '../../domain/outgoing/model.ts';
import { createOutgoing, type Outgoing } from '../../domain/outgoing/outgoing.ts';
import { createOwnSmsSender, type SendOwnSms } from '../../domain/outgoing/own-sms.ts';
import { createPacing } from '../../domain/outgoing/pacing.ts';
import type { Broker, CallbackSender, DeveloperApi, Tenants } from '../../domain/outgoing/ports.ts';
import { createRequestLimits } from '../../domain/outgoing/request-limits.ts';
import { createRequestMessages } from '../../domain/outgoing/request-messages.ts';
import {
  createRoutesHealth,
  type OutgoingHealth,
  type RoutesHealth,
} from '../../domain/outgoing/routes-health.ts';
import { createSending } from '../../domain/outgoing/sending.ts';
import { createSendingStatistics, type SendingReport } from '../../domain/outgoing/sending-statistics.ts';
import { createSharedReports } from '../../domain/outgoing/shared-reports.ts';
import { createTracking, type Tracking } from '../../domain/outgoing/tracking.ts';
import { createWaitingQueue } from '../../domain/outgoing/waiting-sms.ts';
import type { Share } from '../../domain/shared/node-requests.ts';
import { createOutbox } from '../../domain/shared/outbox.ts';
import type { Outbox } from '../../domain/shared/outbox-types.ts';
import type { Telecom } from '../../domain/shared/ports.ts';
import type { Store } from '../../domain/store.ts';
import type { Deadline } from '../../lib/deadline.ts';
import { countSmsParts } from '../../telecom/sms-parts.ts';
import { createCallbackSender } from '../../upstream/callbacks.ts';
import type { Runtime } from './context.ts';

export interface OutgoingSms {
  readonly requests: Outgoing;
  readonly tracking: Tracking;
  /** For the console. */
  readonly report: () => SendingReport;
  /** Sends SMS of swob itself; undefined when no broker is configured. */
  readonly sendOwnSms: SendOwnSms | undefined;
  /** State of the connection to the broker; undefined when none is configured. */
  readonly brokerState: (() => 'ok' | 'unreachable' | 'blocked' | 'slow') | undefined;
  readonly passedOverRoutes: RoutesHealth['passedOver'];
  /** For `swob status`; undefined when no broker is configured. */
  readonly health: (() => Promise<OutgoingHealth>) | undefined;
  /** Starts what earlier processes have left: callbacks, SMS that wait, and reviews of messages. */
  start(): void;
  stop(): void;
  interruptCallbacks(): void;
  /** @returns how many SMS are left without a confirm */
  closeBroker(deadline: Deadline): Promise<number>;
  idle(): Promise<void>;
}

interface OutgoingParts {
  readonly store: Store;
  readonly telecom: Telecom;
  readonly developerApi: DeveloperApi;
  /** Requests to other nodes. */
  readonly share: Share;
  /** How often a shared store is polled for entries that other processes released. */
  readonly pollIntervalMs: number | undefined;
}

/** Callbacks sent concurrently; those of one developer are in four lanes for each of five URLs at most. */
const callbackConcurrency = 64;
const callbackMaxAgeMs = 86_400_000;
const callbackMaxPauseMs = 3_600_000;
/** Of the places of callbacks and of waiting SMS, for those of one developer. */
const shareOfDeveloper = 1 / 4;

export async function buildOutgoing(
  config: Config,
  runtime: Runtime,
  { store, telecom, developerApi, share, pollIntervalMs }: OutgoingParts,
): Promise<OutgoingSms> {
  const { clock, log, metrics } = runtime;
  const { outgoing: settings, limits } = config;
  const statistics = createSendingStatistics(clock);
  const { callback_secret: secret, callback_allow: allow } = settings;
  const sender = statistics.callbacks(metrics.callbacks(createCallbackSender({ secret, allow, clock })));
  const onDeadLettered = (): void => {
    metrics.deadLettered('callback');
    statistics.callbackDeadLettered();
  };
  const callbacks = buildCallbacks(sender, runtime, {
    store: store.callbacks,
    pollIntervalMs,
    onDeadLettered,
  });
  const routes = createRoutesHealth({
    maxFailures: settings.max_failures,
    clock,
    log,
    onPassedOver: metrics.passedOverRoutes(() => routes.passedOver().length),
  });
  const reports = store.shared && createSharedReports({ routes, share, clock });
  const { broker: connected, tenants, state } = await connectBroker(config, runtime, routes);
  const broker = connected && statistics.broker(connected);
  const developerCallbacks = createDeveloperCallbacks({
    outbox: callbacks,
    store: store.callbacks,
    maxPerDeveloper: settings.max_callbacks * shareOfDeveloper,
    onDropped: onDeadLettered,
  });
  const messages = createMessageLog({
    store: store.messages,
    callbacks: developerCallbacks,
    clock,
    log,
    newId: () => String(1 + randomNumber(maxMessageId)),
    reportGraceMs: settings.report_grace,
    // Without a broker, the overview has no plot of them.
    ...(broker && { onChange: metrics.outgoingStates() }),
    onRouted: (reports ?? routes).changed,
  });
  const addressing = createAddressing({
    telecom,
    countParts: countSmsParts,
    defaultSid: String(settings.sim),
    maxParts: settings.max_parts,
  });
  const { rate, daily, quiet } = settings;
  const pacing = createPacing({ rate, daily, quiet, limits: store.limits, clock });
  const waiting =
    broker &&
    createWaitingQueue({
      store: store.waitingSms,
      broker,
      messages,
      pacing,
      maxPerDeveloper: Math.ceil(settings.max_waiting * shareOfDeveloper),
      clock,
      log,
      random: Math.random,
      pollIntervalMs,
    });
  const onWait = metrics.outgoingWaits(() => (waiting?.oldestWaitMs() ?? 0) / 1_000);
  const developers = createDevelopers({
    api: developerApi,
    limits: store.limits,
    setup: { id: settings.setup_id, key: settings.setup_key },
    guessLimit: limits.passwords,
  });
  const requests = createRequestLimits(store.limits, limits.sms);
  return {
    requests: createOutgoing({
      sending:
        broker &&
        waiting &&
        createSending({
          broker,
          addressing,
          messages: createRequestMessages(messages, store.messages, clock.now),
          waiting,
          pacing,
          onWait,
          callbacks: developerCallbacks,
          clock,
        }),
      tenants,
      developers,
      addressing,
      limits: store.limits,
      responses: store.responses,
      leases: store.shared?.leases,
      requests,
      lookupLimit: limits.lookups,
      defaultEvents: settings.callback_events,
      clock,
      log,
    }),
    tracking: createTracking({ store: store.messages, messages, waiting, developers, limits: requests }),
    report: statistics.report,
    sendOwnSms: broker && createOwnSmsSender(broker, addressing),
    brokerState: state,
    passedOverRoutes: routes.passedOver,
    health:
      waiting &&
      (async () => ({
        waiting: (await store.waitingSms.count()).waiting,
        callbacks: (await store.callbacks.count()).waiting,
        oldestWait: Math.floor(waiting.oldestWaitMs() / 1_000),
        passedOver: routes.passedOver().map(({ route, why }) => ({ route, why })),
      })),
    start: () => {
      callbacks.start();
      messages.start();
      waiting?.start();
      reports?.start();
    },
    stop: () => {
      reports?.stop();
      callbacks.stop();
      messages.stop();
      waiting?.stop();
    },
    interruptCallbacks: () => sender.close(),
    closeBroker: (deadline) => broker?.close(deadline) ?? Promise.resolve(0),
    idle: async () => {
      await waiting?.idle();
      await messages.idle();
      await callbacks.idle();
    },
  };
}

function buildCallbacks(
  sender: CallbackSender,
  { clock, log }: Runtime,
  parts: {
    readonly store: Store['callbacks'];
    readonly pollIntervalMs: number | undefined;
    readonly onDeadLettered: () => void;
  },
): Outbox<Callback> {
  return createOutbox<Callback>({
    name: 'callback',
    store: parts.store,
    clock,
    log,
    random: Math.random,
    concurrency: callbackConcurrency,
    orderKeyOf: ({ lane }) => lane,
    maxAgeMs: callbackMaxAgeMs,
    maxBackoffMs: callbackMaxPauseMs,
    deadLetterTtlMs: 0,
    onDeadLettered: parts.onDeadLettered,
    pollIntervalMs: parts.pollIntervalMs,
    onlyDurable: true,
    deliver: async ({ id, content }) => {
      const result = await sender.send(id, content);
      if (result.kind === 'delivered') return result;
      return { kind: result.kind === 'refused' ? 'dead-letter' : 'retry', reason: result.reason };
    },
  });
}

/** Imports amqplib only where a broker is configured: it costs memory and start-up time. */
async function connectBroker(
  { broker: settings }: Config,
  { clock, log, metrics }: Runtime,
  routes: RoutesHealth,
): Promise<{ broker?: Broker; tenants?: Tenants; state?: OutgoingSms['brokerState'] }> {
  if (settings.url === '') return {};
  const { createBroker } = await import('../../upstream/rabbitmq.ts');
  const watched = createBroker({ url: settings.url, timeoutMs: settings.timeout, clock, log, routes });
  const broker = metrics.broker(watched);
  if (settings.management_url === '') return { broker, state: watched.state };
  const { createTenants } = await import('../../upstream/rabbitmq-tenants.ts');
  const tenants = createTenants({
    managementUrl: settings.management_url,
    user: settings.management_user,
    password: settings.management_password,
    brokerUrl: settings.url,
    tags: settings.tenant_tags,
    timeoutMs: settings.timeout,
    clock,
  });
  return { broker, tenants, state: watched.state };
}
