// Builds publishing and outgoing SMS, with the systems that they call, for the gateway.

import type { Config } from '../../config/schema.ts';
import { upstreamUrl } from '../../domain/addresses.ts';
import { createDevelopers } from '../../domain/developers.ts';
import { identifierPatterns } from '../../domain/identifiers.ts';
import { createMessageDesk, type MessageDesk } from '../../domain/message-desk.ts';
import type { Callback } from '../../domain/model.ts';
import { createOutbox, type Outbox } from '../../domain/outbox.ts';
import { createOutgoing, type Outgoing } from '../../domain/outgoing.ts';
import type { Store, Telecom } from '../../domain/ports.ts';
import { createPublishing, type Publishing, type PublishingDeps } from '../../domain/publishing.ts';
import type { Broker, CallbackSender, Tenants } from '../../domain/upstreams.ts';
import { within } from '../../domain/within.ts';
import { messageOf, SwobError } from '../../errors.ts';
import { createCallbackSender } from '../../upstream/callbacks.ts';
import { createDirectory } from '../../upstream/directory.ts';
import { createPublisher } from '../../upstream/publisher.ts';
import type { Workshop } from './world.ts';

export interface Messaging {
  readonly publishing: Publishing;
  readonly desk: MessageDesk;
  readonly outgoing: Outgoing;
  /** How the connection to the broker is; undefined when none is configured. */
  readonly brokerState: (() => 'ok' | 'unreachable' | 'blocked') | undefined;
  /** Begins to deliver what an earlier process has left. */
  start(): void;
}

/** How long what is under way may go on when swob stops, once its calls have been broken off. */
const stopMs = 1_500;
/** Callbacks that are sent at once. */
const callbacksAtOnce = 16;
const callbackMaxAgeMs = 86_400_000;
const callbackMaxPauseMs = 3_600_000;
/** Where other processes share the store: how often to look for what they have left. */
const sharedLookMs = 2_000;

export async function buildMessaging(
  config: Config,
  world: Workshop,
  store: Store,
  telecom: Telecom,
): Promise<Messaging> {
  const directory = createDirectory({
    authenticationUrl: config.dev_api.authentication_url,
    authId: config.dev_api.auth_id,
    authKey: config.dev_api.auth_key,
    authTimeoutMs: config.dev_api.timeout,
    backendUrl: upstreamUrl(config.backend_publisher),
    backendTimeoutMs: config.backend_publisher.timeout,
    cacheTtlMs: config.backend_publisher.cache_ttl,
    clock: world.clock,
  });
  const publisher = createPublisher({ ...config.publisher, timeoutMs: config.publisher.timeout, ...world });
  world.instruments.pool('publisher', publisher.usage);
  const publishing = buildPublishing(config, world, { store, telecom, directory, publisher });
  const { callback_secret: secret, callback_allow: allow } = config.outgoing;
  const sender = world.instruments.callbacks(createCallbackSender({ secret, allow, clock: world.clock }));
  const callbacks = buildCallbacks(sender, world, store);
  const { broker, tenants, state } = await connectBroker(config, world);
  world.lifecycle.defer('messaging', async () => {
    publishing.outbox.halt();
    callbacks.halt();
    sender.close();
    // What they carry is kept when their calls are broken off; a system that is only asked may take longer than we have.
    await Promise.all([publisher.close(), broker?.close()]);
    await within(world.clock, stopMs, Promise.all([publishing.idle(), callbacks.idle()]));
  });
  const outgoing = createOutgoing({
    broker,
    tenants,
    developers: createDevelopers({
      api: directory,
      limits: store.limits,
      setup: { id: config.outgoing.setup_id, key: config.outgoing.setup_key },
      guessLimit: config.limits.passwords,
    }),
    telecom,
    limits: store.limits,
    answers: store.answers,
    flights: store.flights,
    callbacks,
    requestLimit: config.limits.sms,
    clock: world.clock,
    log: world.log,
  });
  return {
    publishing,
    desk: createMessageDesk(store, publishing.outbox),
    outgoing,
    brokerState: state,
    start: () => {
      publishing.outbox.start();
      callbacks.start();
    },
  };
}

function buildPublishing(
  config: Config,
  { clock, log, instruments }: Workshop,
  parts: Pick<PublishingDeps, 'directory' | 'publisher'> & { store: Store; telecom: Telecom },
): Publishing {
  const { store, telecom, directory, publisher } = parts;
  const { publisher: at, api, limits } = config;
  const pattern = new RegExp(identifierPatterns(api.state).msisdn);
  const publishing = createPublishing({
    store,
    directory,
    publisher,
    clock,
    log,
    random: Math.random,
    maxAgeMs: at.max_age,
    maxPauseMs: at.max_pause,
    keepFailedMs: at.keep_failed,
    lookEveryMs: store.flights && sharedLookMs,
    smsLimit: limits.sms,
    isSender: (msisdn) => pattern.test(msisdn) && (api.state === 'testing' || telecom.isValid(msisdn)),
  });
  return instruments.publishing(publishing);
}

function buildCallbacks(sender: CallbackSender, { clock, log }: Workshop, store: Store): Outbox<Callback> {
  return createOutbox<Callback>({
    name: 'callback',
    store: store.callbacks,
    clock,
    log,
    random: Math.random,
    width: callbacksAtOnce,
    maxAgeMs: callbackMaxAgeMs,
    maxPauseMs: callbackMaxPauseMs,
    keepFailedMs: 0,
    lookEveryMs: store.flights && sharedLookMs,
    deliver: async ({ id, content }) => {
      try {
        await sender.send(id, content);
        return { kind: 'done' };
      } catch (error) {
        const forGood = error instanceof SwobError && error.code === 'REFUSED';
        return { kind: forGood ? 'given up' : 'again', reason: messageOf(error) };
      }
    },
  });
}

/** amqplib is imported only where there is a broker: it costs memory and time to start. */
async function connectBroker(
  { broker: at }: Config,
  { clock, log, instruments }: Workshop,
): Promise<{ broker?: Broker; tenants?: Tenants; state?: Messaging['brokerState'] }> {
  if (at.url === '') return {};
  const { createBroker } = await import('../../upstream/rabbitmq.ts');
  const watched = createBroker({ url: at.url, timeoutMs: at.timeout, clock, log });
  const broker = instruments.broker(watched);
  if (at.management_url === '') return { broker, state: watched.state };
  const { createTenants } = await import('../../upstream/rabbitmq-tenants.ts');
  const tenants = createTenants({
    managementUrl: at.management_url,
    user: at.management_user,
    password: at.management_password,
    brokerUrl: at.url,
    timeoutMs: at.timeout,
    clock,
  });
  return { broker, tenants, state: watched.state };
}
