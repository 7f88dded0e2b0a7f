// The primary process of `swob serve --workers`: it has the embedded store, the log and the configuration, and runs workers, which have
// the services. Used by `swob serve` in place of `startServices`.

import type { EventEmitter } from 'node:events';
import { displaySetting } from '../../config/display-value.ts';
import type { LoadedConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { messageOf, SwobError } from '../../errors.ts';
import { createStoreOwner } from '../../store/remote/owner.ts';
import type { AppContext, ServiceName } from '../compose/context.ts';
import { createPrimaryMetrics } from '../compose/primary-metrics.ts';
import type { Endpoints } from '../compose/start.ts';
import { openStoreOfWorkers, sleepsOfOpenSession, storeBounds } from '../compose/store.ts';
import { storeAdapterOf } from '../compose/store-adapters.ts';
import type { Logs } from '../logging/logs.ts';
import { forkWorker } from './cluster-process.ts';
import type { ToPrimary } from './messages.ts';
import { createReports } from './reports.ts';
import { createSupervisor, type WorkerProcess } from './supervisor.ts';

export interface PrimaryContext extends Pick<AppContext, 'clock' | 'log' | 'lifecycle' | 'version'> {
  readonly count: number;
  readonly logs: Pick<Logs, 'write' | 'onLine' | 'onLevels' | 'levels' | 'drops'>;
  /** Reads the configuration again; rejects when it is invalid. */
  readonly load: () => Promise<LoadedConfig>;
  /** Systemd's watchdog, in milliseconds; undefined when there is none. */
  readonly watchdogMs: number | undefined;
  /** Emits SIGHUP. */
  readonly signals: EventEmitter;
}

/** Of the stop's budget, for the store to write what is in memory after everything else has taken its time. */
const storeReserveMs = 1_000;

/**
 * Starts the workers, and replaces them one after the other on SIGHUP. When this throws, the caller stops the lifecycle; `failed`
 * rejects later, when a worker can no longer be replaced.
 */
export async function startWorkers(
  loaded: LoadedConfig,
  names: ReadonlySet<ServiceName>,
  context: PrimaryContext,
): Promise<{ readonly endpoints: Endpoints; readonly failed: Promise<never> }> {
  const { count, clock, log, lifecycle, version, logs, signals } = context;
  let current = loaded;
  /** Where the services listen, and the ports that workers use instead of 0. */
  let [bound, kept]: [Endpoints, Endpoints] = [{}, {}];
  const opened = await openStoreOfWorkers(loaded.config, context, names);
  if (opened) lifecycle.defer('store', (deadline) => opened.close(deadline), storeReserveMs);
  if (opened && names.has('sync') && !names.has('gateway')) {
    // The gateway notifies one worker of what a phone does, and the page may be connected to another.
    throw new SwobError(
      'CONFIG',
      '--workers: sync without the gateway needs a store that both share; set [store] url to a Redis URL, or run both in one process',
    );
  }
  const owner = opened && createStoreOwner({ store: opened, clock, log });
  if (owner) lifecycle.defer('clients of the store', owner.close);
  const processes = new Set<WorkerProcess>();

  const start = (worker: WorkerProcess, slot: number): void => {
    // It was not listening yet when all were told to stop.
    if (supervisor.isStopping()) return worker.kill();
    // The system's choice of a port is forgotten when no worker listens on it any more.
    if (supervisor.counts().running === 0) kept = bound;
    const { settings } = current;
    const config = withPorts(current.config, kept);
    worker.send({
      kind: 'start',
      settings: {
        config,
        settings: settings.map(displaySetting),
        services: [...names],
        version,
        slot,
        workers: count,
        usesOwner: opened !== undefined,
      },
      levels: logs.levels(),
    });
  };
  const spawn = (slot: number): WorkerProcess => {
    const worker = forkWorker();
    processes.add(worker);
    void worker.ended.then(() => processes.delete(worker));
    reports.watch(worker);
    owner?.serve(worker.peer);
    worker.onMessage((message: ToPrimary) => {
      if (message.kind === 'online') start(worker, slot);
      if (message.kind === 'log')
        for (const [service, line] of message.lines) logs.write(service ?? undefined, line);
      if (message.kind !== 'event') return;
      for (const other of processes) if (other !== worker) other.send(message);
    });
    return worker;
  };
  const supervisor = createSupervisor({ count, spawn, watchdogMs: context.watchdogMs, clock, log });
  const metrics = createPrimaryMetrics({ version, logDrops: logs.drops, workers: supervisor.counts });
  const reports = createReports({ count, workers: supervisor.workers, ownMetrics: metrics.snapshot, clock });
  lifecycle.defer('workers', supervisor.stop);
  logs.onLevels((levels) => {
    for (const worker of processes) worker.send({ kind: 'levels', levels });
  });
  // To one of them, as the console shows the lines of all.
  logs.onLine((line) => {
    const [first] = processes;
    first?.send({ kind: 'lines', lines: [line] });
  });

  const reload = async (): Promise<void> => {
    const former = current;
    let settings: readonly string[];
    try {
      const next = await context.load();
      const keepsStore = opened !== undefined || !storeAdapterOf(next.config).isShared;
      settings = settingsOfPrimary(former.config, next.config, keepsStore);
      const openedWith = opened ? loaded : former;
      current = keepsStore ? { ...next, config: withOpenStore(next.config, openedWith.config) } : next;
    } catch (error) {
      log.error({ error: messageOf(error) }, 'the configuration is invalid; the workers keep the former one');
      return;
    }
    if (settings.length > 0) log.warn({ settings }, 'restart swob for these changes of the configuration');
    try {
      await supervisor.replaceAll();
      log.info({ workers: count }, 'all workers run with the configuration as it is now');
    } catch (error) {
      current = former;
      log.error(
        { error: messageOf(error) },
        'a worker could not start with the new configuration; the reload ended',
      );
    }
  };
  const endpoints = await supervisor.start();
  bound = endpoints;
  const onHangup = serialised(reload);
  signals.on('SIGHUP', onHangup);
  lifecycle.defer('reload', () => void signals.off('SIGHUP', onHangup));
  return { endpoints, failed: supervisor.failed };
}

/** The configuration with the ports of these endpoints where it leaves the choice to the system. */
function withPorts(config: Config, { gateway, sync, disconnect }: Endpoints): Config {
  const portOf = (port: number, endpoint: { readonly url: string } | undefined): number =>
    port === 0 && endpoint ? Number(new URL(endpoint.url).port) : port;
  return {
    ...config,
    api: { ...config.api, port: portOf(config.api.port, gateway) },
    websocket: { ...config.websocket, port: portOf(config.websocket.port, sync) },
    disconnect: { ...config.disconnect, port: portOf(config.disconnect.port, disconnect) },
  };
}

/**
 * The configuration with the store that is open, until a restart: workers with longer times than it was opened with would ask it for
 * what it does not keep.
 */
function withOpenStore(config: Config, openedWith: Config): Config {
  const bounds = storeBounds(openedWith);
  const { seeds, sync } = config;
  const { openTtlMs, pausedTtlMs } = bounds.sessions;
  return {
    ...config,
    store: openedWith.store,
    seeds: { ...seeds, expiry: Math.min(seeds.expiry, bounds.seeds.activeMs) },
    sync: {
      ...sync,
      session_sleep_timeout: Math.min(sync.session_sleep_timeout, openTtlMs / sleepsOfOpenSession),
      session_paused_timeout: Math.min(sync.session_paused_timeout, pausedTtlMs),
    },
  };
}

/** What has changed that only the primary uses: sections, and the bounds of the store, which several sections have. */
function settingsOfPrimary(former: Config, now: Config, keepsStore: boolean): string[] {
  const differs = (of: (config: Config) => object): boolean =>
    JSON.stringify(of(former)) !== JSON.stringify(of(now));
  return [
    ...(keepsStore && differs(({ store }) => store) ? ['[store]'] : []),
    ...(differs(({ logging }) => ({ ...logging, level: '', gelf_level: '', max_repeats: '' }))
      ? ['[logging]']
      : []),
    ...(keepsStore && differs(storeBounds) ? ['bounds and times of what the store keeps'] : []),
  ];
}

/** Runs `work` once at a time, and once more when it was called meanwhile. */
function serialised(work: () => Promise<void>): () => void {
  let isRunning = false;
  let isWanted = false;
  const run = async (): Promise<void> => {
    isRunning = true;
    while (isWanted) {
      isWanted = false;
      await work();
    }
    isRunning = false;
  };
  return () => {
    isWanted = true;
    if (!isRunning) void run();
  };
}
