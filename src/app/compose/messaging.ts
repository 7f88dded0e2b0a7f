// Builds publishing and outgoing SMS, with the systems that they call, for the gateway.

import type { Config } from '../../config/schema.ts';
import { upstreamUrl } from '../../domain/addresses.ts';
import { createDevelopers } from '../../domain/developers.ts';
import { identifierPatterns } from '../../domain/identifiers.ts';
import { createMessageDesk, type MessageDesk } from '../../domain/message-desk.ts';
import type { Callback } from '../../domain/model.ts';
import { createOutbox, type Outbox } from '../../domain/outbox.ts';
import { createOutgoing, type Outgoing } from '../../domain/outgoing.ts';
import type { Broker, Store, Telecom, Tenants, UserDirectory } from '../../domain/ports.ts';
import { createPublishing, type Publishing } from '../../domain/publishing.ts';
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

/** Callbacks that are sent at once. */
const callbacksAtOnce = 16;
const callbackMaxAgeMs = 86_400_000;
const callbackMaxPauseMs = 3_600_000;

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
  const publishing = buildPublishing(config, world, { store, telecom, directory });
  const callbacks = buildCallbacks(config, world, store);
  const { broker, tenants, state } = await connectBroker(config, world);
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
  { clock, log, lifecycle, instruments }: Workshop,
  { store, telecom, directory }: { store: Store; telecom: Telecom; directory: UserDirectory },
): Publishing {
  const { publisher: at, api, limits } = config;
  const publisher = createPublisher({ ...at, timeoutMs: at.timeout, clock, log });
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
    smsLimit: limits.sms,
    isSender: (msisdn) => pattern.test(msisdn) && (api.state === 'testing' || telecom.isValid(msisdn)),
  });
  instruments.pool('publisher', publisher.usage);
  lifecycle.defer('publishing', async () => {
    publishing.outbox.halt();
    // Ends the calls under way, so that what they carry is kept in time.
    await publisher.close();
    await publishing.outbox.idle();
  });
  return instruments.publishing(publishing);
}

function buildCallbacks(
  config: Config,
  { clock, log, lifecycle, instruments }: Workshop,
  store: Store,
): Outbox<Callback> {
  const { callback_secret: secret, callback_allow: allow } = config.outgoing;
  const sender = instruments.callbacks(createCallbackSender({ secret, allow, clock }));
  const callbacks = createOutbox<Callback>({
    name: 'callback',
    store: store.callbacks,
    clock,
    log,
    random: Math.random,
    width: callbacksAtOnce,
    maxAgeMs: callbackMaxAgeMs,
    maxPauseMs: callbackMaxPauseMs,
    keepsFailed: false,
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
  lifecycle.defer('callbacks', async () => {
    callbacks.halt();
    await callbacks.idle();
  });
  return callbacks;
}

/** amqplib is imported only where there is a broker: it costs memory and time to start. */
async function connectBroker(
  { broker: at }: Config,
  { clock, log, lifecycle, instruments }: Workshop,
): Promise<{ broker?: Broker; tenants?: Tenants; state?: Messaging['brokerState'] }> {
  if (at.url === '') return {};
  const { createBroker } = await import('../../upstream/rabbitmq.ts');
  const watched = createBroker({ url: at.url, timeoutMs: at.timeout, clock, log });
  lifecycle.defer('broker', () => watched.close());
  const broker = instruments.broker(watched);
  if (at.management_url === '') return { broker, state: watched.state };
  const { createTenants } = await import('../../upstream/rabbitmq-tenants.ts');
  const tenants = createTenants({
    managementUrl: at.management_url,
    user: at.management_user,
    password: at.management_password,
    brokerUrl: at.url,
    timeoutMs: at.timeout,
  });
  return { broker, tenants, state: watched.state };
}
