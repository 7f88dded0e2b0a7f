// Log lines, by pino: JSON on standard error, so that standard output stays data.

import { type LevelWithSilent, pino } from 'pino';
import type { Log } from '../domain/ports.ts';

/** What a log is written to; a process's stderr is one. */
export interface LogStream {
  write(line: string): unknown;
}

/**
 * A line that cannot be written (a full disk, a reader that is gone) is lost, and nothing else: pino's own
 * file writer would throw into the request that is logged.
 */
export function createLog(level: LevelWithSilent, stream: LogStream): Log {
  const write = (line: string): void => {
    try {
      stream.write(line);
    } catch {
      // There is no place to say it.
    }
  };
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write });
}
