// The last lines of the log in memory, for the console. They are redacted like all lines. An operator can let debug lines appear
// there for some minutes; stderr, files and Graylog keep their levels. Used by loggers.ts.

import type { Clock } from '../../domain/shared/ports.ts';
import { nameOf, threshold } from './levels.ts';
import { type LogRecord, parseLine } from './record.ts';

type TailLevel = 'debug' | 'info' | 'warn' | 'error';

interface TailLine {
  /** Increases by one a line. */
  readonly number: number;
  /** ISO 8601. */
  readonly time: string;
  readonly level: TailLevel;
  readonly service: string | undefined;
  readonly message: string;
  /** The other members, as JSON; empty without any. */
  readonly fields: string;
}

export interface LogTail {
  /** The last lines of this level or above, the newest first. */
  read(level: TailLevel, limit: number): TailLine[];
  /** Lines of this level and above are kept for `ms` milliseconds, then those of the log's own level again. */
  lowerLevel(level: TailLevel, ms: number): void;
  /** The level that was set, and until when (Unix time in milliseconds); undefined for the log's own. */
  readonly lowered: { readonly level: TailLevel; readonly until: number } | undefined;
}

export interface WritableLogTail extends LogTail {
  add(line: string): void;
  /** Ends a level that was set, so that its timer does not keep the process running. */
  close(): void;
  /** pino's number of the level that was set; infinite for the log's own. */
  readonly threshold: number;
}

const maxLines = 500;
const maxCharacters = 256 * 1_024;

/** `onChange` is called when the level is set, and when it ends. */
export function createLogTail(clock: Clock, onChange: () => void): WritableLogTail {
  const lines: string[] = [];
  let characters = 0;
  let added = 0;
  let lowered: LogTail['lowered'];
  let cancel: () => void = () => {};
  const restore = (): void => {
    cancel();
    lowered = undefined;
    onChange();
  };

  return {
    add: (line) => {
      lines.push(line);
      characters += line.length;
      added++;
      while (lines.length > maxLines || characters > maxCharacters) characters -= lines.shift()?.length ?? 0;
    },
    read: (level, limit) => {
      const found: TailLine[] = [];
      for (let index = lines.length - 1; index >= 0 && found.length < limit; index--) {
        const record = parseLine(lines[index] ?? '');
        if (record.level >= threshold(level)) found.push(toTailLine(record, added - lines.length + index));
      }
      return found;
    },
    lowerLevel: (level, ms) => {
      cancel();
      lowered = { level, until: clock.now() + ms };
      cancel = clock.after(ms, restore);
      onChange();
    },
    close: restore,
    get lowered() {
      return lowered;
    },
    get threshold() {
      return threshold(lowered?.level ?? 'silent');
    },
  };
}

function toTailLine({ level, time, msg, service, ...fields }: LogRecord, number: number): TailLine {
  const rest = Object.keys(fields).length === 0 ? '' : JSON.stringify(fields);
  return { number, time, level: nameOf(level), service, message: msg, fields: rest };
}
