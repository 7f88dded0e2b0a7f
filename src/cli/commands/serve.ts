// `swob serve`: runs services until a signal.

import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { limitCollectorThreads } from '../../app/collector-threads.ts';
import type { ServiceName } from '../../app/compose/context.ts';
import { letHeapDouble } from '../../app/heap-growth.ts';
import { tuneNewSpace } from '../../app/new-space.ts';
import { displaySetting } from '../../config/display-value.ts';
import { diagnosticFolder, serviceManagerVariables } from '../../config/environment.ts';
import type { LoadedConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { parseServiceName, services } from '../client/services.ts';
import type { Context } from '../context.ts';
import { prepareReadyFile } from '../ready-file.ts';
import { version } from '../version.ts';

interface Options {
  readonly readyFile?: string;
  readonly hocon?: string;
  readonly workers?: number | 'auto';
}

export function define(command: Command, context: Context): void {
  command
    .argument(
      '[services...]',
      `services to run: ${services.join(', ')} (default: gateway and sync, and disconnect if its key is readable)`,
    )
    .option(
      '--ready-file <file>',
      'file written when all services are ready: {"gateway":{"url":…},"sync":{"url":…}}; removed on exit',
    )
    .option('--hocon <file>', 'file application.conf of the replaced disconnect service')
    .option(
      '--workers <n>',
      'processes that share the ports, to use several cores: a number, or `auto` for as many as there are cores (default: 1)',
      parseWorkers,
    )
    .addHelpText(
      'after',
      `
Exits with 78 when the configuration or a file that it names is invalid, with 75 when a port or the store is in use; no
service is started in either case. The first signal stops all services gracefully; the process then ends by that signal,
which a shell reports as 130 (Ctrl-C), 143 (SIGTERM) or 129 (SIGHUP).

Example:
  swob serve
  swob serve gateway sync --set api.port=0 --set websocket.port=0 --ready-file ready.json`,
    )
    .action((names: string[], options: Options) => serve(context, names, options));
}

/** 1 to 256, or `auto`. */
function parseWorkers(text: string): number | 'auto' {
  if (text === 'auto') return text;
  if (/^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= 256) return Number(text);
  throw new InvalidArgumentError('Expected a number from 1 to 256, or auto.');
}

async function serve(context: Context, words: readonly string[], options: Options): Promise<void> {
  const { workers = 1 } = options;
  const cores = availableParallelism();
  limitCollectorThreads(cores, workers === 'auto' ? cores : workers);
  letHeapDouble();
  const onResponse = tuneNewSpace();
  if (workers !== 1) {
    const { isWorkerProcess } = await import('../../app/workers/cluster-process.ts');
    if (isWorkerProcess()) {
      const { runWorker } = await import('../../app/workers/worker.ts');
      return runWorker({ version, onResponse, diagnosticFolder: diagnosticFolder() });
    }
  }
  const ready = await prepareReadyFile(options.readyFile);
  const names = new Set(words.map(parseServiceName));
  const load = (): Promise<LoadedConfig> => context.loadConfig(options.hocon);
  const loaded = await load();
  const { config, settings, warnings } = loaded;
  const [
    { defaultServices },
    { createLifecycle, stopOnSignal, surviveResourceExhaustion },
    { createSystemdNotifier },
    { createLogs },
    { reloadLevels },
    { systemClock },
    { createErrorLoggingClock },
  ] = await Promise.all([
    import('../../app/default-services.ts'),
    import('../../app/lifecycle.ts'),
    import('../../app/systemd.ts'),
    import('../../app/logging/logs.ts'),
    import('../../app/logging/level-reload.ts'),
    import('../../app/system-clock.ts'),
    import('../../app/error-logging-clock.ts'),
    // Begins to load what a single process needs next.
    workers === 1 && import('../../app/compose/start.ts'),
  ]);
  const wanted = names.size > 0 ? names : await defaultServices(config);
  const count = await workerCount(workers, config, wanted, cores);
  const logs = createLogs({
    settings: config.logging,
    services: wanted,
    stderr: context.io.stderr,
    pretty: !context.options.json,
    colours: context.options.color,
    clock: systemClock,
    afterTurn: setImmediate,
  });
  const { log } = logs;
  // Tells operators who migrate an old file which of its keys are ignored.
  for (const warning of warnings) log.info({ warning }, 'configuration warning');
  const clock = createErrorLoggingClock(systemClock, log);
  surviveResourceExhaustion(log);
  const lifecycle = createLifecycle(log, clock);
  // Deferred first, so that it runs last and the log of the shutdown is written, too.
  lifecycle.defer('log', logs.close, 500);
  const { signals } = context.io;
  const stopFollowing = reloadLevels({
    load: async () => (await load()).config.logging,
    settings: config.logging,
    logs,
    signals,
    clock,
    isReportedOnHangup: count > 1,
  });
  lifecycle.defer('log levels', stopFollowing);
  // From here on, a signal closes everything that is open.
  const stopped = stopOnSignal(lifecycle, log);
  try {
    const snapshots = config.overload.heap_snapshots;
    // By default, Node writes snapshots to the working directory.
    const folder = diagnosticFolder() ?? (snapshots ? '.' : undefined);
    if (folder !== undefined) {
      const { limitDiagnosticFiles } = await import('../../app/diagnostic-files.ts');
      await limitDiagnosticFiles({ folder, snapshots, clock, log });
    }
    const common = { clock, log, lifecycle, version };
    const serviceManager = serviceManagerVariables();
    const { endpoints, failed } =
      count > 1
        ? await (await import('../../app/workers/primary.ts')).startWorkers(loaded, wanted, {
            ...common,
            count,
            logs,
            load,
            watchdogMs: serviceManager.watchdogMs,
            signals,
          })
        : {
            endpoints: await (await import('../../app/compose/start.ts')).startServices(config, wanted, {
              ...common,
              logFor: logs.logFor,
              droppedLogLines: logs.drops,
              settings: settings.map(displaySetting),
              logTail: logs.tail,
              onResponse,
            }),
            failed: stopped,
          };
    // Deferred last, so that the file is removed before the services stop.
    lifecycle.defer('ready file', ready.remove);
    await ready.write(endpoints);
    const manager = createSystemdNotifier(serviceManager, { clock, log });
    lifecycle.defer('service manager', manager.stopping);
    await manager.ready(services.flatMap((name) => endpoints[name]?.url ?? []).join(' '));
    for (const service of services) {
      const url = endpoints[service]?.url;
      if (url === undefined) continue;
      if (context.printer.json) context.printer.value({ service, url });
      else context.printer.line(`${service} ready at ${url}`);
    }
    await Promise.race([stopped, failed]);
  } catch (error) {
    await lifecycle.stop();
    throw error;
  }
}

async function workerCount(
  workers: number | 'auto',
  config: Config,
  services: ReadonlySet<ServiceName>,
  cores: number,
): Promise<number> {
  if (workers === 1) return 1;
  const { workersFor } = await import('../../app/workers/divide.ts');
  return workersFor(workers, { config, services, cores });
}
