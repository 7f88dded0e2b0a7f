// `swob serve`: runs the named services until a signal.

import type { Command } from 'commander';
import { keepYoungObjectsCheap } from '../../app/young-objects.ts';
import { serviceManagerVariables } from '../../config/environment.ts';
import type { Context } from '../context.ts';
import { prepareReadyFile } from '../ready-file.ts';
import { serviceName, services } from '../services.ts';
import { version } from '../version.ts';

interface Options {
  readonly readyFile?: string;
  readonly hocon?: string;
}

export function define(command: Command, context: Context): void {
  command
    .argument(
      '[services...]',
      `which to run: ${services.join(', ')}; none: gateway and sync, and disconnect when its key is readable`,
    )
    .option(
      '--ready-file <file>',
      'written once all are ready: {"gateway":{"url":…},"sync":{"url":…}}; removed at the end',
    )
    .option('--hocon <file>', 'application.conf of the replaced disconnect service, read as it is')
    .addHelpText(
      'after',
      '\nExample:\n  swob serve\n  swob serve gateway sync --set api.port=0 --set websocket.port=0 --ready-file ready.json',
    )
    .action((names: string[], options: Options) => serve(context, names, options));
}

async function serve(context: Context, words: readonly string[], options: Options): Promise<void> {
  const onServed = keepYoungObjectsCheap();
  const ready = await prepareReadyFile(options.readyFile);
  const names = new Set(words.map(serviceName));
  const { config } = await context.loadConfig(options.hocon);
  const [
    { startServices },
    { defaultServices },
    { createLifecycle, stopOnSignal },
    { createServiceManager },
    { createLogs },
    { followLevels },
    { systemClock },
  ] = await Promise.all([
    import('../../app/compose/start.ts'),
    import('../../app/default-services.ts'),
    import('../../app/lifecycle.ts'),
    import('../../app/service-manager.ts'),
    import('../../app/logging/logs.ts'),
    import('../../app/logging/reload.ts'),
    import('../../app/system-clock.ts'),
  ]);
  const wanted = names.size > 0 ? names : await defaultServices(config);
  const logs = createLogs({
    settings: config.logging,
    services: wanted,
    stderr: context.io.stderr,
    forPeople: !context.options.json,
    colours: context.options.color,
    clock: systemClock,
    afterTurn: setImmediate,
  });
  const { log } = logs;
  const lifecycle = createLifecycle(log);
  // Deferred first, so it runs last: lines of the stop are written, too.
  lifecycle.defer('log', logs.close);
  const stopFollowing = followLevels({
    load: async () => (await context.loadConfig(options.hocon)).config.logging,
    settings: config.logging,
    logs,
    signals: context.io.signals,
    clock: systemClock,
  });
  lifecycle.defer('log levels', stopFollowing);
  // From here on a signal finds what has been opened so far.
  const stopped = stopOnSignal(lifecycle, log);
  try {
    const endpoints = await startServices(config, wanted, {
      clock: systemClock,
      log,
      logFor: logs.logFor,
      logDrops: logs.drops,
      lifecycle,
      version,
      onServed,
    });
    // Deferred last, so it runs first: what the file says holds for as long as it is there.
    lifecycle.defer('ready file', ready.remove);
    await ready.write(endpoints);
    const manager = createServiceManager(serviceManagerVariables(), { clock: systemClock, log });
    lifecycle.defer('service manager', manager.stopping);
    await manager.ready(services.flatMap((name) => endpoints[name]?.url ?? []).join(' '));
    for (const service of services) {
      const url = endpoints[service]?.url;
      if (url === undefined) continue;
      if (context.printer.json) context.printer.value({ service, url });
      else context.printer.line(`${service} ready at ${url}`);
    }
  } catch (error) {
    await lifecycle.stop();
    throw error;
  }
  await stopped;
}
