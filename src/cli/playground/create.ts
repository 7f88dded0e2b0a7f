// Creates a playground with its log, lifecycle and sample data. Used by the `playground` commands and by swob/testing.

import { createLifecycle, type Lifecycle } from '../../app/lifecycle.ts';
import { createLogs, type LogsOptions } from '../../app/logging/logs.ts';
import type { Config } from '../../config/schema.ts';
import { defaultSettings, toConfig } from '../../config/settings.ts';
import { writeFileAtomic } from '../ready-file.ts';
import { version } from '../version.ts';
import { type PlaygroundOptions, type RunningPlayground, startPlayground } from './playground.ts';
import { readyContent, readyFileIn } from './ready-files.ts';
import { addSampleMessages } from './sample-messages.ts';
import { addSeedData } from './seed-data.ts';

export interface CreatePlaygroundOptions
  extends Pick<PlaygroundOptions, 'address' | 'broker' | 'clock' | 'failures' | 'setOptions' | 'users'> {
  readonly seedData: boolean;
  /** Ends the creation of sample data. */
  readonly signal: AbortSignal;
  readonly log: Pick<LogsOptions, 'stderr' | 'pretty' | 'colours'> & {
    readonly level: Config['logging']['level'];
  };
}

/** When this throws, everything that was started is closed. @returns the lifecycle, whose stop removes everything */
export async function createPlayground(
  options: CreatePlaygroundOptions,
): Promise<{ readonly playground: RunningPlayground; readonly lifecycle: Lifecycle }> {
  const { clock, signal, seedData } = options;
  const { level, ...terminal } = options.log;
  const settings = { ...toConfig(defaultSettings().values()).logging, level };
  const logs = createLogs({ settings, services: new Set(), clock, ...terminal });
  const { log } = logs;
  const lifecycle = createLifecycle(log, clock);
  lifecycle.defer('log', logs.close, 500);
  try {
    const playground = await startPlayground({
      ...options,
      ...(seedData && { prepareStore: (config: Config) => addSampleMessages(config, { clock, log }) }),
      version,
      log,
      logTail: logs.tail,
      lifecycle,
    });
    await writeFileAtomic(
      readyFileIn(playground.folder),
      `${JSON.stringify(readyContent(playground))}\n`,
      0o600,
    );
    if (seedData) lifecycle.defer('seed data', await addSeedData(playground, clock, signal));
    return { playground, lifecycle };
  } catch (error) {
    await lifecycle.stop();
    throw error;
  }
}
