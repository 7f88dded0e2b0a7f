// The pino loggers of a process: one for each service and one for the process, with levels that can change. What becomes of a line is
// up to the caller. Used by logs.ts, and by worker processes, whose lines the primary process writes.

import { type Logger, pino } from 'pino';
import type { Config } from '../../config/schema.ts';
import type { Clock, Log } from '../../domain/shared/ports.ts';
import { failureText } from '../../http/access-log.ts';
import type { ServiceName } from '../compose/context.ts';
import { type Levels, lowest, nameOf, threshold } from './levels.ts';
import { localTime } from './local-time.ts';
import { createLogTail, type WritableLogTail } from './log-tail.ts';
import { truncateLine } from './record.ts';
import { createRepeatLimit } from './repeat-limit.ts';

/** A line, with pino's number of its level; `service` is undefined for the process. */
export type WriteLine = (service: ServiceName | undefined, line: string, level: number) => void;

export interface LoggersOptions {
  readonly levels: Levels;
  /** `[logging] max_repeats` */
  readonly maxRepeats: Config['logging']['max_repeats'];
  readonly clock: Clock;
  /** Members of every line. */
  readonly base?: Readonly<Record<string, unknown>>;
  /** Gets every line that the log's own levels or that of the tail let pass. */
  readonly write: WriteLine;
}

export interface Loggers {
  readonly log: Log;
  logFor(service: ServiceName | undefined): Log;
  /** Takes effect immediately. */
  setLevels(levels: Levels): void;
  /** The last lines, for the console. */
  readonly tail: WritableLogTail;
  /** Lines that were not logged because of `maxRepeats`, since the start. */
  suppressed(): number;
  /** Logs how many they were. */
  close(): void;
}

/** Defence in depth: no line should have these fields. */
const redact = [
  'token',
  'password',
  'authorization',
  'secret',
  'key',
  'sharedKey',
  'authKey',
  'text',
  'msisdn',
  'MSISDN',
];

export function createLoggers({ levels: initial, maxRepeats, clock, base, write }: LoggersOptions): Loggers {
  let levels = initial;
  let minLevel = threshold(levels.level);
  const loggers = new Map<ServiceName | undefined, Logger>();
  const applyLevels = (): void => {
    minLevel = threshold(levels.level);
    for (const logger of loggers.values()) logger.level = lowestLevel();
  };
  const tail = createLogTail(clock, applyLevels);
  const lowestLevel = (): Levels['level'] => {
    const level = lowest(levels);
    return tail.threshold < threshold(level) ? nameOf(tail.threshold) : level;
  };

  /** Cached for the lines of the same millisecond. */
  let lastTimestamp = { ms: Number.NaN, text: '' };
  const timestamp = (): string => {
    const ms = clock.now();
    if (ms !== lastTimestamp.ms) lastTimestamp = { ms, text: `,"time":"${localTime(ms)}"` };
    return lastTimestamp.text;
  };

  const loggerFor = (service: ServiceName | undefined): Logger => {
    const existing = loggers.get(service);
    if (existing) return existing;
    const members = { ...base, ...(service !== undefined && { service }) };
    const logger = pino(
      {
        level: lowestLevel(),
        base: Object.keys(members).length > 0 ? members : null,
        timestamp,
        redact,
      },
      {
        write: (whole) => {
          const line = truncateLine(whole);
          const level = levelOf(line);
          write(service, line, level);
          if (level >= Math.min(minLevel, tail.threshold)) tail.add(line);
        },
      },
    );
    loggers.set(service, logger);
    return logger;
  };

  const repeats = createRepeatLimit({ limit: maxRepeats, unlimited: new Set([failureText]), clock });
  const limitedLogs = new Map<ServiceName | undefined, Log>();
  const logFor = (service: ServiceName | undefined): Log => {
    const limited = limitedLogs.get(service) ?? repeats.wrap(loggerFor(service));
    limitedLogs.set(service, limited);
    return limited;
  };

  return {
    log: logFor(undefined),
    logFor,
    suppressed: () => repeats.suppressed,
    close: () => {
      repeats.close();
      tail.close();
    },
    setLevels: (updated) => {
      levels = updated;
      applyLevels();
    },
    tail,
  };
}

/** pino writes the level first: `{"level":30,…`. */
export function levelOf(line: string): number {
  return Number(line.slice('{"level":'.length, line.indexOf(',')));
}
