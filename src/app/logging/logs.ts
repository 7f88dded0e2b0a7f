// The logs of a process: for each service and for the process itself one, by pino, to stderr, to files and to Graylog.
// Used by `swob serve`.

import { type DestinationStream, type Logger, pino } from 'pino';
import type { Config } from '../../config/schema.ts';
import type { Clock, Log } from '../../domain/ports.ts';
import type { ServiceName } from '../compose/world.ts';
import { createGelfSender, type GelfSender } from './gelf-sender.ts';
import { type Levels, lowest, threshold } from './levels.ts';
import { localTime } from './local-time.ts';
import { createLogFile, type LogFile } from './log-file.ts';
import { bounded, readLine } from './record.ts';
import { terminalFormat } from './terminal.ts';

/** What lines are written to; a process's stderr is one. */
interface LogStream {
  write(line: string): unknown;
  readonly isTTY?: boolean;
  /** Whether the terminal shows colours; it knows TERM and NO_COLOR. */
  hasColors?(): boolean;
}

export interface LogsOptions {
  readonly settings: Config['logging'];
  /** Those that run in this process. */
  readonly services: ReadonlySet<ServiceName>;
  readonly stderr: LogStream;
  /** Lines for people when stderr is a terminal; else JSON. */
  readonly forPeople: boolean;
  /** On a terminal that has them. */
  readonly colours: boolean;
  readonly clock: Clock;
  /**
   * Does the work when this turn of the event loop is over. Lines of a turn below warn are then one write to stderr, which
   * costs as much as all else of a request. Undefined: each is written at once.
   */
  readonly afterTurn?: ((work: () => void) => void) | undefined;
}

export interface Logs {
  /** Of the process. */
  readonly log: Log;
  logFor(service: ServiceName): Log;
  /** Takes effect at once. */
  setLevels(levels: Levels): void;
  /** Opens the files anew: something else has moved them away. */
  reopen(): void;
  /** Lines that were lost since the start. */
  drops(): { readonly file: number; readonly gelf: number };
  /** Writes what waits, within a second. */
  close(): Promise<void>;
}

/** A second line of defence: no line is meant to have them. */
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

export function createLogs(options: LogsOptions): Logs {
  const { settings, services, clock } = options;
  let levels: Levels = { level: settings.level, gelfLevel: settings.gelf_level };
  let [forLines, forGelf] = [threshold(levels.level), threshold(levels.gelfLevel)];
  const stderr = stderrWriter(options);
  const files = new Map<string, LogFile>();
  const loggers = new Map<ServiceName | undefined, Logger>();
  let gelf: GelfSender | undefined;

  const fileOf = (service: ServiceName | undefined): LogFile | undefined => {
    if (settings.base_dir === '') return undefined;
    // A process with one service has one file; so processes with one service each share none.
    const [only] = services.size === 1 ? services : [];
    const name = service ?? only ?? 'swob';
    let file = files.get(name);
    if (!file) {
      const { max_file_size: maxFileBytes, max_count: maxCount } = settings;
      const { accumulated_size: accumulatedBytes, last_modified: maxAgeMs } = settings;
      const limits = { maxFileBytes, maxCount, accumulatedBytes, maxAgeMs };
      file = createLogFile({ folder: settings.base_dir, name, limits, clock, log: loggerOf(service) });
      files.set(name, file);
    }
    return file;
  };

  /** Lines of the same millisecond have the same. */
  let stamped = { ms: Number.NaN, text: '' };
  const timestamp = (): string => {
    const ms = clock.now();
    if (ms !== stamped.ms) stamped = { ms, text: `,"time":"${localTime(ms)}"` };
    return stamped.text;
  };

  const destination = (service: ServiceName | undefined): DestinationStream => ({
    write: (whole) => {
      const line = bounded(whole);
      const level = levelOf(line);
      if (level >= forLines) {
        stderr.write(line, level);
        fileOf(service)?.write(line);
      }
      if (level >= forGelf) gelf?.send(readLine(line));
    },
  });

  const loggerOf = (service: ServiceName | undefined): Logger => {
    const known = loggers.get(service);
    if (known) return known;
    const logger = pino(
      {
        level: lowest(levels),
        base: service === undefined ? null : { service },
        timestamp,
        redact,
      },
      destination(service),
    );
    loggers.set(service, logger);
    return logger;
  };

  const log = loggerOf(undefined);
  if (settings.gelf_host !== '') {
    gelf = createGelfSender({ host: settings.gelf_host, port: settings.gelf_port, clock, log });
  }

  return {
    log,
    logFor: loggerOf,
    setLevels: (wanted) => {
      levels = wanted;
      [forLines, forGelf] = [threshold(levels.level), threshold(levels.gelfLevel)];
      for (const logger of loggers.values()) logger.level = lowest(levels);
    },
    reopen: () => {
      for (const file of files.values()) file.reopen();
    },
    drops: () => ({
      file: [...files.values()].reduce((sum, file) => sum + file.dropped, 0),
      gelf: gelf?.dropped ?? 0,
    }),
    close: async () => {
      stderr.end();
      await Promise.all([gelf?.close(), ...[...files.values()].map((file) => file.close())]);
    },
  };
}

/** pino puts the level first: `{"level":30,…`. */
function levelOf(line: string): number {
  return Number(line.slice('{"level":'.length, line.indexOf(',')));
}

interface LineWriter {
  /** `level` is pino's number. */
  write(line: string, level: number): void;
  /** Writes what waits; from now on nothing waits any more. */
  end(): void;
}

const warn = 40;
/** Characters that wait for the end of a turn. */
const maxWaiting = 64 * 1024;

/** A line that cannot be written (a reader that is gone) is lost: there is no place to say it. */
function stderrWriter({ stderr, forPeople, colours, afterTurn }: LogsOptions): LineWriter {
  const format = terminalFormat(colours && stderr.hasColors?.() === true);
  const people = forPeople && stderr.isTTY === true;
  // People read them beside what else is printed, and there are few.
  let later = people ? undefined : afterTurn;
  let waiting = '';
  const flush = (): void => {
    const lines = waiting;
    waiting = '';
    try {
      if (lines !== '') stderr.write(lines);
    } catch {
      // See above.
    }
  };
  return {
    write: (line, level) => {
      if (waiting === '' && level < warn) later?.(flush);
      waiting += people ? format(readLine(line)) : line;
      // What is wrong may be the last that the process says.
      if (!later || level >= warn || waiting.length > maxWaiting) flush();
    },
    end: () => {
      later = undefined;
      flush();
    },
  };
}
