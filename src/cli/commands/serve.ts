// `swob serve`: runs the named services until a signal.

import type { Command } from 'commander';
import type { ServiceName } from '../../app/compose/world.ts';
import { SwobError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { prepareReadyFile } from '../ready-file.ts';
import { version } from '../version.ts';

interface Options {
  readonly readyFile?: string;
  readonly hocon?: string;
}

const services: readonly ServiceName[] = ['gateway', 'sync', 'disconnect'];

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
  const ready = await prepareReadyFile(options.readyFile);
  const names = new Set(words.map(serviceName));
  const { config } = await context.loadConfig(options.hocon);
  const [
    { defaultServices, startServices },
    { createLifecycle, stopOnSignal },
    { createLog },
    { systemClock },
  ] = await Promise.all([
    import('../../app/compose/start.ts'),
    import('../../app/lifecycle.ts'),
    import('../../app/logging.ts'),
    import('../../app/system-clock.ts'),
  ]);
  const log = createLog(config.logging.level, context.io.stderr);
  const lifecycle = createLifecycle(log);
  // From here on a signal finds what has been opened so far.
  const stopped = stopOnSignal(lifecycle, log);
  try {
    const wanted = names.size > 0 ? names : await defaultServices(config);
    const endpoints = await startServices(config, wanted, { clock: systemClock, log, lifecycle, version });
    // Deferred last, so it runs first: what the file says holds for as long as it is there.
    lifecycle.defer('ready file', ready.remove);
    await ready.write(endpoints);
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

function serviceName(word: string): ServiceName {
  const name = services.find((candidate) => candidate === word);
  if (!name)
    throw new SwobError('USAGE', `no service is called "${word}"; there are: ${services.join(', ')}`);
  return name;
}
