// `swob serve`: runs services until a signal.

import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { limitCollectorThreads } from '../../app/collector-threads.ts';
import type { ServiceName } from '../../app/compose/context.ts';
import type { Endpoints } from '../../app/compose/start.ts';
import { allServices, defaultServices } from '../../app/default-services.ts';
import { letHeapDouble } from '../../app/heap-growth.ts';
import { tuneNewSpace } from '../../app/new-space.ts';
import { diagnosticFolder } from '../../config/environment.ts';
import type { LoadedConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { parseServiceName } from '../client/services.ts';
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
      `services to run: ${allServices.join(', ')} (default: gateway and sync, and disconnect if its key is readable)`,
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
  const { config } = loaded;
  const wanted = names.size > 0 ? names : await defaultServices(config);
  const count = await workerCount(workers, config, wanted, cores);
  const [{ runServices }] = await Promise.all([
    import('../../app/run-services.ts'),
    // Begins to load what a single process needs next.
    count === 1 && import('../../app/compose/start.ts'),
  ]);
  await runServices({
    loaded,
    load,
    services: wanted,
    workers: count,
    version,
    clock: context.io.clock,
    signals: context.io.signals,
    stderr: context.io.stderr,
    pretty: !context.options.json,
    colours: context.options.color,
    onResponse,
    onReady: async (endpoints) => {
      await ready.write(endpoints);
      printEndpoints(context, endpoints);
    },
    onStop: ready.remove,
  });
}

function printEndpoints({ printer }: Context, endpoints: Endpoints): void {
  for (const service of allServices) {
    const url = endpoints[service]?.url;
    if (url === undefined) continue;
    if (printer.json) printer.value({ service, url });
    else printer.line(`${service} ready at ${url}`);
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
