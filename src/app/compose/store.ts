// Opens the store that the configuration names.

import type { Config } from '../../config/schema.ts';
import type { Store } from '../../domain/store.ts';
import type { DisconnectAuditStore } from '../../domain/wifi/audit-model.ts';
import { messageOf } from '../../errors.ts';
import type { EmbeddedStore, OpenedStore as OpenedAdapterStore } from '../../store/adapter.ts';
import type { StoreOptions } from '../../store/options.ts';
import type { AppContext, OpenedStore, ServiceName } from './context.ts';
import { auditAdapterOf, storeAdapterOf, volatileAdapter } from './store-adapters.ts';

type StoreContext = Pick<AppContext, 'clock' | 'log'>;

/** A request of a developer that is repeated within this time gets the stored response. */
const responseTtlMs = 86_400_000;
/** Stored responses; the oldest are evicted. */
const maxResponses = 10_000;
/** The response to a request with 1,000 invalid numbers has 150,000 characters. */
const maxResponseCharacters = 16 * 1024 * 1024;
/** More gateway clients than any installation has; with their numbers half a megabyte. */
const maxClients = 10_000;
/** A day longer than the period that reliability is measured over. */
const testTtlMs = 31 * 86_400_000;
const maxTests = 100_000;
const maxTestsPerClient = 1_000;
/** The longest of its histories, and a day. */
const historyTtlMs = 31 * 86_400_000;
/** So long a node that is gone is shown with the time when it was last seen. */
const nodeTtlMs = 7 * 86_400_000;
const maxNodes = 32;
/** The greatest value of `[console] session`: a cookie that was issued under another value is refused as long as it is valid. */
const maxConsoleSessionMs = 30 * 86_400_000;
const maxSignOuts = 10_000;

/** With `isDurable` false, a local store is in memory: a service without the gateway needs rate limits only. */
export async function openStore(
  config: Config,
  context: AppContext,
  isDurable: boolean,
): Promise<OpenedStore> {
  const { store, channels } = context.worker?.store ?? (await openAdapter(config, context, isDurable));
  if (!channels) return { store };
  const { createRedisBus } = await import('../../bus/redis.ts');
  const { createRedisNodeChannel } = await import('../../bus/redis-nodes.ts');
  const { clock, log } = context;
  const { prefix } = config.store;
  return {
    store,
    bus: createRedisBus({ channels, prefix, clock, log }),
    nodes: createRedisNodeChannel({ channels, prefix }),
  };
}

function openAdapter(config: Config, context: StoreContext, isDurable: boolean): Promise<OpenedAdapterStore> {
  const configured = storeAdapterOf(config);
  const adapter = isDurable || configured.isShared ? configured : volatileAdapter;
  return adapter.open(storeOptions(config, context));
}

/**
 * The store that the primary process serves to its workers, with the audit trail of a disconnect service in it; undefined
 * for a shared one, which they open themselves.
 */
export async function openStoreOfWorkers(
  config: Config,
  context: StoreContext & Pick<AppContext, 'lifecycle'>,
  names: ReadonlySet<ServiceName>,
): Promise<EmbeddedStore | undefined> {
  if (storeAdapterOf(config).isShared) return undefined;
  const { embedded } = await openAdapter(config, context, names.has('gateway'));
  if (!embedded || names.has('gateway')) return embedded;
  return { ...embedded, disconnects: await openAuditStore(config, context, embedded) };
}

const auditReserveMs = 500;

/**
 * The audit trail of a disconnect service without a gateway in its process. A folder belongs to the gateway's process, so
 * the trail has one of its own in it. Where that cannot be used, disconnects continue, and the trail is lost at exit.
 */
export async function openAuditStore(
  config: Config,
  context: StoreContext & Pick<AppContext, 'lifecycle'>,
  store: Store,
): Promise<DisconnectAuditStore> {
  const adapter = auditAdapterOf(config);
  if (!adapter) return store.disconnects;
  try {
    const { store: opened } = await adapter.open(storeOptions(config, context));
    context.lifecycle.defer('audit trail', (deadline) => opened.close(deadline), auditReserveMs);
    return opened.disconnects;
  } catch (error) {
    context.log.warn(
      { url: `file:${adapter.folder}`, reason: messageOf(error) },
      'the audit trail is in memory, and lost at exit',
    );
    return store.disconnects;
  }
}

export function storeOptions(config: Config, { clock, log }: StoreContext): StoreOptions {
  return { clock, log, ...storeBounds(config) };
}

/** A session that nobody shows is kept for so many times `session_sleep_timeout`. */
export const sleepsOfOpenSession = 4;

/** What the store keeps, and for how long. */
export function storeBounds(config: Config): Omit<StoreOptions, 'clock' | 'log'> {
  return {
    sessions: {
      // Long enough for a page to connect, and for its socket to renew the session.
      openTtlMs: Math.max(120_000, sleepsOfOpenSession * config.sync.session_sleep_timeout),
      pausedTtlMs: config.sync.session_paused_timeout,
      pairedTtlMs: config.sync.session_paused_timeout,
      maxOpen: config.sync.max_sessions,
    },
    seeds: { activeMs: config.seeds.expiry, maxRegistered: config.seeds.max_registered },
    clients: { max: maxClients },
    tests: { ttlMs: testTtlMs, max: maxTests, maxPerClient: maxTestsPerClient },
    disconnects: {
      ttlMs: config.disconnect.audit_keep,
      max: config.disconnect.audit_max,
      maxUntrusted: Math.ceil(config.disconnect.audit_max / 10),
    },
    inbound: { max: config.publisher.max_kept },
    receipts: { ttlMs: config.publisher.dedupe_window, max: config.publisher.max_remembered },
    callbacks: { max: config.outgoing.max_callbacks },
    messages: { ttlMs: config.outgoing.keep, max: config.outgoing.max_messages },
    waitingSms: { max: config.outgoing.max_waiting },
    responses: {
      ttlMs: responseTtlMs,
      max: maxResponses,
      maxCharacters: maxResponseCharacters,
    },
    signOuts: { ttlMs: maxConsoleSessionMs, max: maxSignOuts },
    monitoring: { maxNodes, nodeTtlMs, historyTtlMs },
  };
}
