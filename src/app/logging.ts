// Log lines, by pino: JSON on standard error, so that standard output stays data.

import { destination, type LevelWithSilent, pino } from 'pino';
import type { Log } from '../domain/ports.ts';

export function createLog(level: LevelWithSilent): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    destination({ fd: 2, sync: true }),
  );
}
