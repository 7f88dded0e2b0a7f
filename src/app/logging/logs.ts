// The logs of a process: for each service and for the process itself one, by pino, to stderr, to files and to Graylog.
// Used by `swob serve`.

import { type DestinationStream, type Logger, pino } from 'pino';
import type { Config } from '../../config/schema.ts';
import type { Clock, Log } from '../../domain/ports.ts';
import { currentRequestId } from '../../http/request-id.ts';
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
  const writeStderr = stderrWriter(options);
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

  const destination = (service: ServiceName | undefined): DestinationStream => ({
    write: (whole) => {
      const line = bounded(whole);
      const level = levelOf(line);
      if (level >= forLines) {
        writeStderr(line);
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
        timestamp: () => `,"time":"${localTime(clock.now())}"`,
        mixin: () => {
          const requestId = currentRequestId();
          return requestId === undefined ? {} : { requestId };
        },
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
      await Promise.all([gelf?.close(), ...[...files.values()].map((file) => file.close())]);
    },
  };
}

/** pino puts the level first: `{"level":30,…`. */
function levelOf(line: string): number {
  return Number(line.slice('{"level":'.length, line.indexOf(',')));
}

/** A line that cannot be written (a reader that is gone) is lost: there is no place to say it. */
function stderrWriter({ stderr, forPeople, colours }: LogsOptions): (line: string) => void {
  const format = terminalFormat(colours && stderr.hasColors?.() === true);
  const people = forPeople && stderr.isTTY === true;
  return (line) => {
    try {
      stderr.write(people ? format(readLine(line)) : line);
    } catch {
      // See above.
    }
  };
}
