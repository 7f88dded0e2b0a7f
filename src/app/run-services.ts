// Runs services in this process or in workers, with their log and lifecycle, until a signal. Used by `swob serve`.

import type { EventEmitter } from 'node:events';
import { displaySetting } from '../config/display-value.ts';
import { diagnosticFolder, serviceManagerVariables } from '../config/environment.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Clock, Log } from '../domain/shared/ports.ts';
import type { ServiceName } from './compose/context.ts';
import type { Endpoints } from './compose/start.ts';
import { allServices } from './default-services.ts';
import { createErrorLoggingClock } from './error-logging-clock.ts';
import { createLifecycle, type Lifecycle, stopOnSignal, surviveResourceExhaustion } from './lifecycle.ts';
import { reloadLevels } from './logging/level-reload.ts';
import { createLogs, type Logs, type LogsOptions } from './logging/logs.ts';
import { createSystemdNotifier } from './systemd.ts';

export interface RunOptions extends Pick<LogsOptions, 'stderr' | 'pretty' | 'colours'> {
  readonly loaded: LoadedConfig;
  /** Reads the configuration again; rejects when it is invalid. */
  readonly load: () => Promise<LoadedConfig>;
  readonly services: ReadonlySet<ServiceName>;
  /** Processes that run them; 1: this one. */
  readonly workers: number;
  readonly version: string;
  readonly clock: Clock;
  /** Emits SIGHUP. */
  readonly signals: EventEmitter;
  /** Called after each response. */
  readonly onResponse: () => void;
  /** Called when all services accept requests. */
  readonly onReady: (endpoints: Endpoints) => Promise<void>;
  /** Called before they stop, once they have accepted requests. */
  readonly onStop: () => Promise<void>;
}

/** Resolves after a signal, when all services have stopped. Throws CONFIG, UNAVAILABLE when one cannot start. */
export async function runServices(options: RunOptions): Promise<void> {
  const { loaded, load, workers, signals } = options;
  const { config, warnings } = loaded;
  const logs = createLogs({ ...options, settings: config.logging, afterTurn: setImmediate });
  const { log } = logs;
  // Tells operators who migrate an old file which of its keys are ignored.
  for (const warning of warnings) log.info({ warning }, 'configuration warning');
  const clock = createErrorLoggingClock(options.clock, log);
  surviveResourceExhaustion(log);
  const lifecycle = createLifecycle(log, clock);
  // Deferred first, so that it runs last and the log of the shutdown is written, too.
  lifecycle.defer('log', logs.close, 500);
  const stopFollowing = reloadLevels({
    load: async () => (await load()).config.logging,
    settings: config.logging,
    logs,
    signals,
    clock,
    isReportedOnHangup: workers > 1,
  });
  lifecycle.defer('log levels', stopFollowing);
  // From here on, a signal closes everything that is open.
  const stopped = stopOnSignal(lifecycle, log);
  try {
    const snapshots = config.overload.heap_snapshots;
    // By default, Node writes snapshots to the working directory.
    const folder = diagnosticFolder() ?? (snapshots ? '.' : undefined);
    if (folder !== undefined) {
      const { limitDiagnosticFiles } = await import('./diagnostic-files.ts');
      await limitDiagnosticFiles({ folder, snapshots, clock, log });
    }
    const serviceManager = serviceManagerVariables();
    const { watchdogMs } = serviceManager;
    const { endpoints, failed } =
      workers > 1
        ? await startInWorkers(options, { clock, log, lifecycle, logs, watchdogMs })
        : { endpoints: await startHere(options, { clock, log, lifecycle, logs }), failed: stopped };
    // Deferred last, so that the ready file is removed before the services stop.
    lifecycle.defer('ready file', options.onStop);
    await options.onReady(endpoints);
    const manager = createSystemdNotifier(serviceManager, { clock, log });
    lifecycle.defer('service manager', manager.stopping);
    await manager.ready(allServices.flatMap((name) => endpoints[name]?.url ?? []).join(' '));
    await Promise.race([stopped, failed]);
  } catch (error) {
    await lifecycle.stop();
    throw error;
  }
}

interface Started {
  readonly clock: Clock;
  readonly log: Log;
  readonly lifecycle: Lifecycle;
  readonly logs: Logs;
}

async function startHere(options: RunOptions, { logs, ...started }: Started): Promise<Endpoints> {
  const { loaded, services, version, onResponse } = options;
  const { startServices } = await import('./compose/start.ts');
  return startServices(loaded.config, services, {
    ...started,
    version,
    logFor: logs.logFor,
    droppedLogLines: logs.drops,
    settings: loaded.settings.map(displaySetting),
    logLevels: logs.levels,
    logTail: logs.tail,
    onResponse,
  });
}

/** Imported only when there are workers, because the primary process needs none of the services. */
async function startInWorkers(
  { loaded, load, services, workers, version, signals }: RunOptions,
  started: Started & { readonly watchdogMs: number | undefined },
) {
  const { startWorkers } = await import('./workers/primary.ts');
  return startWorkers(loaded, services, { ...started, version, count: workers, load, signals });
}
