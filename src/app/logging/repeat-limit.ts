// Limits how often one text is logged at warn and error: clients cause some of these lines for each recipient, message or connection.
// Lines above the limit are counted, and the count is logged when their window ends. Used by loggers.ts.

import type { Clock, Log } from '../../domain/shared/ports.ts';

export interface RepeatLimit {
  /** A log whose lines at warn and error count for the limit; each wrapped log has limits of its own. */
  wrap(log: LimitedLog): Log;
  /** Lines that were not logged since the start. */
  readonly suppressed: number;
  /** Logs the counts of running windows, and all lines from now on. */
  close(): void;
}

/** The part of a pino logger that is needed. */
interface LimitedLog extends Log {
  isLevelEnabled(level: 'warn' | 'error'): boolean;
}

export interface RepeatLimitDeps {
  /** Lines of one text in each window. */
  readonly limit: { readonly count: number; readonly windowMs: number } | 'off';
  /** Texts of lines that are all logged. */
  readonly unlimited: ReadonlySet<string>;
  readonly clock: Pick<Clock, 'monotonic' | 'after'>;
}

interface Window {
  readonly endsAt: number;
  lines: number;
  suppressed: number;
  /** Cancels the report; set once a line was suppressed. */
  cancel?: () => void;
}

/** Texts of one log: those of swob are constants, so that only a mistake could reach this. */
const maxTexts = 1_000;

export function createRepeatLimit({ limit, unlimited, clock }: RepeatLimitDeps): RepeatLimit {
  const reports = new Set<() => void>();
  let suppressed = 0;
  let isClosed = false;

  const limited = (log: LimitedLog, level: 'warn' | 'error', max: number, windowMs: number): Log['warn'] => {
    /** The window that began first is the first. */
    const windows = new Map<string, Window>();
    const end = (text: string, window: Window): void => {
      if (windows.get(text) === window) windows.delete(text);
      window.cancel?.();
      if (window.suppressed === 0) return;
      const fields = { line: text, suppressed: window.suppressed, seconds: Math.round(windowMs / 1_000) };
      log[level](fields, 'repeated lines were not logged: see [logging] max_repeats');
    };
    const begin = (text: string): Window => {
      const [oldest] = windows.size >= maxTexts ? windows : [];
      if (oldest) end(...oldest);
      const window: Window = { endsAt: clock.monotonic() + windowMs, lines: 0, suppressed: 0 };
      windows.set(text, window);
      return window;
    };
    reports.add(() => {
      for (const entry of windows) end(...entry);
    });
    return (fields, text) => {
      if (isClosed || unlimited.has(text)) return log[level](fields, text);
      if (!log.isLevelEnabled(level)) return;
      let window = windows.get(text);
      if (window && window.endsAt <= clock.monotonic()) {
        end(text, window);
        window = undefined;
      }
      window ??= begin(text);
      if (window.lines < max) {
        window.lines++;
        return log[level](fields, text);
      }
      suppressed++;
      window.suppressed++;
      const { endsAt } = window;
      const current = window;
      // A timer only now: most texts never reach the limit.
      window.cancel ??= clock.after(Math.max(1, endsAt - clock.monotonic()), () => end(text, current));
    };
  };

  return {
    wrap: (log) =>
      limit === 'off'
        ? log
        : {
            debug: (fields, text) => log.debug(fields, text),
            info: (fields, text) => log.info(fields, text),
            warn: limited(log, 'warn', limit.count, limit.windowMs),
            error: limited(log, 'error', limit.count, limit.windowMs),
          },
    get suppressed() {
      return suppressed;
    },
    close: () => {
      // A report that is due later would keep the process alive.
      isClosed = true;
      for (const report of reports) report();
    },
  };
}
