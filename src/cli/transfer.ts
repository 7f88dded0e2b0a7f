// Shared by `store export` and `store import`: the help text of what is transferred, the progress bar and the log.

import type { Progress, TransferContext } from '../app/compose/store-archive.ts';
import type { Log } from '../domain/shared/ports.ts';
import type { Context } from './context.ts';
import type { Printer } from './terminal/printer.ts';

export const transferHelp = `Transferred: seeds with their last ping (LPS), paired users with their keys, waiting and dead-lettered SMS and callbacks,
receipts of published SMS and stored responses to developers with their remaining lifetime. Not transferred, because they
last only minutes: pairing sessions, rate limits, password claims and requests in progress.`;

/** The remaining time is estimated from the updates of this window. */
const updateMs = 100;
const etaOverMs = 5_000;

/** Runs `work` with a progress bar on stderr if that is a terminal; a signal aborts it. */
export async function runTransfer<T>(
  context: Context,
  work: (context: TransferContext) => Promise<T>,
): Promise<T> {
  const { io, options, printer } = context;
  const { config } = await context.loadConfig();
  return context.interruptible(async (signal) => {
    const bar = io.stderr.isTTY === true && !options.quiet ? await openProgressBar(context) : undefined;
    // Stop the bar immediately and not when the work ends, because a second Ctrl-C kills the process.
    const onAbort = (): void => bar?.stop();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const progress = bar?.progress ?? (() => undefined);
      const log = createLog(printer, () => bar?.hide());
      return await work({ config, clock: io.clock, log, signal, progress });
    } finally {
      signal.removeEventListener('abort', onAbort);
      bar?.stop();
    }
  });
}

interface ProgressBar {
  readonly progress: Progress;
  /** Hides the bar until the next progress. */
  hide(): void;
  /** Removes the bar for good. */
  stop(): void;
}

async function openProgressBar({ io }: Context): Promise<ProgressBar> {
  const { default: cliProgress } = await import('cli-progress');
  const open = () =>
    new cliProgress.SingleBar({
      stream: io.stderr,
      format: '{step} [{bar}] {percentage} %, {eta_formatted} left',
      barCompleteChar: '#',
      barIncompleteChar: '-',
      // The text around the bar takes up to 40 columns; a wrapped bar could not be erased.
      barsize: Math.max(5, Math.min(30, (io.stderr.columns || 80) - 40)),
      clearOnComplete: true,
      // A killed process would leave the terminal without a cursor.
      hideCursor: false,
      linewrap: true,
      etaBuffer: etaOverMs / updateMs,
      // Our own signal handlers stop the bar.
      gracefulExit: false,
    });
  let shown: { readonly step: string; readonly bar: ReturnType<typeof open> } | undefined;
  let nextAt = 0;
  let stopped = false;
  const hide = (): void => {
    shown?.bar.stop();
    shown = undefined;
  };
  return {
    progress: (step, done, total) => {
      if (stopped) return;
      if (shown?.step !== step) {
        shown?.bar.stop();
        shown = { step, bar: open() };
        shown.bar.start(total, 0, { step });
        nextAt = 0;
      }
      if (io.clock.monotonic() < nextAt) return;
      nextAt = io.clock.monotonic() + updateMs;
      shown.bar.setTotal(total);
      shown.bar.update(done);
    },
    hide,
    stop: () => {
      stopped = true;
      hide();
    },
  };
}

/** Prints warnings and errors that do not end the command; calls `before` ahead of each line. */
function createLog(printer: Printer, before: () => void): Log {
  const say = (fields: object, message: string): void => {
    before();
    const reason = 'reason' in fields ? `: ${String(fields.reason)}` : '';
    printer.warn(`${message}${reason}`);
  };
  return { debug: () => undefined, info: () => undefined, warn: say, error: say };
}
