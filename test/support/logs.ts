// The real logs, with a captured stderr.

import { onTestFinished } from 'vitest';
import type { ServiceName } from '../../src/app/compose/context.ts';
import { createLogs, type Logs, type LogsOptions } from '../../src/app/logging/logs.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import type { Clock } from '../../src/domain/shared/ports.ts';
import { configFile } from './config-files.ts';
import { createFakeClock } from './fake-clock.ts';

export interface TestLogsOptions {
  /** Keys of [logging]: `level=debug`. */
  readonly set?: readonly string[];
  readonly services?: readonly ServiceName[];
  readonly clock?: Clock;
  readonly stderr?: LogsOptions['stderr'];
  readonly afterTurn?: LogsOptions['afterTurn'];
}

export interface TestLogs extends Logs {
  /** Output on stderr. */
  readonly lines: string[];
  readonly settings: Config['logging'];
}

export function createTestLogs(options: TestLogsOptions = {}): TestLogs {
  const lines: string[] = [];
  const settings = loadConfig({
    files: [configFile('')],
    env: {},
    setOptions: (options.set ?? []).map((assignment) => `logging.${assignment}`),
  }).config.logging;
  const logs = createLogs({
    settings,
    services: new Set(options.services ?? (['gateway', 'sync'] as const)),
    stderr: options.stderr ?? { write: (line) => lines.push(line) },
    pretty: true,
    colours: false,
    clock: options.clock ?? createFakeClock(),
    afterTurn: options.afterTurn,
  });
  onTestFinished(() => logs.close());
  return { ...logs, lines, settings };
}
