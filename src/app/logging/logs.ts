// The logs of a process: a pino logger for each service and one for the process, to stderr, files and Graylog. Used by
// `swob serve`.

import type { Config } from '../../config/schema.ts';
import type { Clock, Log } from '../../domain/shared/ports.ts';
import type { Deadline } from '../../lib/deadline.ts';
import type { LogDrops, ServiceName } from '../compose/context.ts';
import { createGelfSender, type GelfSender } from './gelf-sender.ts';
import { type Levels, threshold } from './levels.ts';
import { createLogFile, type LogFile } from './log-file.ts';
import type { LogTail } from './log-tail.ts';
import { createLoggers, levelOf, type WriteLine } from './loggers.ts';
import { parseLine, truncateLine } from './record.ts';
import { terminalFormat } from './terminal.ts';

/** Such as the stderr of a process. */
interface LogStream {
  write(line: string): unknown;
  readonly isTTY?: boolean;
  /** Node's check of the terminal, TERM and NO_COLOR. */
  hasColors?(): boolean;
}

export interface LogsOptions {
  readonly settings: Config['logging'];
  /** The services of this process. */
  readonly services: ReadonlySet<ServiceName>;
  readonly stderr: LogStream;
  /** Readable lines instead of JSON when stderr is a terminal. */
  readonly pretty: boolean;
  /** Coloured, on a terminal that supports it. */
  readonly colours: boolean;
  readonly clock: Clock;
  /**
   * Runs the callback after this turn of the event loop. Lines below warn of one turn then share a write to stderr, which
   * costs as much as the rest of a request. Undefined: each line is written immediately.
   */
  readonly afterTurn?: ((work: () => void) => void) | undefined;
}

export interface Logs {
  /** The log of the process. */
  readonly log: Log;
  logFor(service: ServiceName): Log;
  /** Takes effect immediately. */
  setLevels(levels: Levels): void;
  /** Writes a line of another process, as its pino made it. */
  write(service: ServiceName | undefined, line: string): void;
  /** As they are now. */
  levels(): Levels;
  /** Calls back when the levels change. */
  onLevels(watch: (levels: Levels) => void): void;
  /** Calls back with each line of this process. */
  onLine(watch: (line: string) => void): void;
  /** The last lines, for the console. */
  readonly tail: LogTail;
  /** Reopens the files, after logrotate has moved them. */
  reopen(): void;
  /** Lines that a target lost since the start, and repeated ones that were not logged. */
  drops(): LogDrops;
  /** Writes buffered lines, for a second at most. */
  close(deadline?: Deadline): Promise<void>;
}

export function createLogs(options: LogsOptions): Logs {
  const { settings, services, clock } = options;
  let levels: Levels = { level: settings.level, gelfLevel: settings.gelf_level };
  let [minLevel, minGelfLevel] = [threshold(levels.level), threshold(levels.gelfLevel)];
  const stderr = stderrWriter(options);
  const files = new Map<string, LogFile>();
  const watchers: ((line: string) => void)[] = [];
  const levelWatchers: ((levels: Levels) => void)[] = [];
  let gelf: GelfSender | undefined;

  const fileFor = (service: ServiceName | undefined): LogFile | undefined => {
    if (settings.base_dir === '') return undefined;
    // A process with one service uses that service's file only, so that no two processes share one.
    const [only] = services.size === 1 ? services : [];
    const name = service ?? only ?? 'swob';
    let file = files.get(name);
    if (!file) {
      const { max_file_size: maxFileBytes, max_count: maxCount } = settings;
      const { accumulated_size: accumulatedBytes, last_modified: maxAgeMs } = settings;
      const limits = { maxFileBytes, maxCount, accumulatedBytes, maxAgeMs };
      file = createLogFile({ folder: settings.base_dir, name, limits, clock, log: loggers.logFor(service) });
      files.set(name, file);
    }
    return file;
  };

  const write: WriteLine = (service, line, level) => {
    if (level >= minLevel) {
      stderr.write(line, level);
      fileFor(service)?.write(line);
    }
    if (level >= minGelfLevel) gelf?.send(parseLine(line));
  };
  const loggers = createLoggers({
    levels,
    maxRepeats: settings.max_repeats,
    clock,
    write: (service, line, level) => {
      write(service, line, level);
      for (const watch of watchers) watch(line);
    },
  });
  const { log } = loggers;
  if (settings.gelf_host !== '') {
    gelf = createGelfSender({ host: settings.gelf_host, port: settings.gelf_port, clock, log });
  }

  return {
    log,
    logFor: loggers.logFor,
    tail: loggers.tail,
    setLevels: (updated) => {
      levels = updated;
      [minLevel, minGelfLevel] = [threshold(levels.level), threshold(levels.gelfLevel)];
      loggers.setLevels(levels);
      for (const watch of levelWatchers) watch(levels);
    },
    write: (service, line) => write(service, truncateLine(line), levelOf(line)),
    levels: () => levels,
    onLevels: (watch) => void levelWatchers.push(watch),
    onLine: (watch) => void watchers.push(watch),
    reopen: () => {
      for (const file of files.values()) file.reopen();
    },
    drops: () => ({
      file: [...files.values()].reduce((sum, file) => sum + file.dropped, 0),
      gelf: gelf?.dropped ?? 0,
      repeated: loggers.suppressed(),
    }),
    close: async (deadline) => {
      loggers.close();
      stderr.end();
      await Promise.all([gelf?.close(deadline), ...[...files.values()].map((file) => file.close(deadline))]);
    },
  };
}

interface LineWriter {
  /** `level` is pino's number. */
  write(line: string, level: number): void;
  /** Writes buffered lines; later ones are written immediately. */
  end(): void;
}

const warn = 40;
/** Characters buffered during a turn. */
const maxBuffered = 64 * 1024;

/** Drops lines that cannot be written, such as to a closed pipe. */
function stderrWriter({ stderr, pretty: forPeople, colours, afterTurn }: LogsOptions): LineWriter {
  const format = terminalFormat(colours && stderr.hasColors?.() === true);
  const isPretty = forPeople && stderr.isTTY === true;
  // Not buffered on a terminal, so that they stay in order with other output.
  let later = isPretty ? undefined : afterTurn;
  let buffered = '';
  const flush = (): void => {
    const lines = buffered;
    buffered = '';
    try {
      if (lines !== '') stderr.write(lines);
    } catch {
      // The lines are dropped: there is nowhere to report it.
    }
  };
  return {
    write: (line, level) => {
      if (buffered === '' && level < warn) later?.(flush);
      buffered += isPretty ? format(parseLine(line)) : line;
      // The process may end after a warning or error.
      if (!later || level >= warn || buffered.length > maxBuffered) flush();
    },
    end: () => {
      later = undefined;
      flush();
    },
  };
}
