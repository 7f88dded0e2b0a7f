// The log of a worker process: its lines go to the primary process, which writes them. Bounded: while the primary does not read,
// lines are dropped and counted. Used by worker.ts.

import type { Clock } from '../../domain/shared/ports.ts';
import type { Levels } from '../logging/levels.ts';
import { createLoggers, type Loggers, type LoggersOptions } from '../logging/loggers.ts';
import type { LoggedLine } from './messages.ts';

export interface WorkerLogs extends Loggers {
  /** Lines that the primary did not get. */
  dropped(): number;
}

export interface WorkerLogsOptions {
  readonly slot: number;
  readonly levels: Levels;
  readonly maxRepeats: LoggersOptions['maxRepeats'];
  readonly clock: Clock;
  /** `written` is called once the message has left. */
  readonly send: (lines: readonly LoggedLine[], written: () => void) => void;
  /** Runs the callback a moment later: the lines until then share a message, because each costs as much as several lines. */
  readonly later: (work: () => void) => void;
}

/** Characters that wait for the primary to read them; further lines are dropped. */
const maxWaiting = 4 * 1024 * 1024;
/** Characters of one message, give or take a line. */
const maxMessage = 64 * 1024;
const warn = 40;

export function createWorkerLogs({
  slot,
  levels,
  maxRepeats,
  clock,
  send,
  later,
}: WorkerLogsOptions): WorkerLogs {
  let lines: LoggedLine[] = [];
  let length = 0;
  let waiting = 0;
  let dropped = 0;

  const flush = (): void => {
    if (lines.length === 0) return;
    const [sent, sentLength] = [lines, length];
    [lines, length] = [[], 0];
    send(sent, () => {
      waiting -= sentLength;
    });
  };
  const loggers = createLoggers({
    levels,
    maxRepeats,
    clock,
    base: { worker: slot },
    write: (service, line, level) => {
      if (waiting + line.length > maxWaiting) {
        dropped++;
        return;
      }
      if (lines.length === 0) later(flush);
      lines.push([service ?? null, line]);
      length += line.length;
      waiting += line.length;
      // The process may end after a warning or error.
      if (level >= warn || length > maxMessage) flush();
    },
  });
  return {
    ...loggers,
    dropped: () => dropped,
    close: () => {
      loggers.close();
      flush();
    },
  };
}
