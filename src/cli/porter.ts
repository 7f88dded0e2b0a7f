// What `store export` and `store import` have in common: a progress bar, a log, and how they say what is not carried.

import type { Porter, Progress } from '../app/compose/store-archive.ts';
import type { Log } from '../domain/ports.ts';
import type { Context } from './context.ts';
import type { Printer } from './printer.ts';

export const carriedHelp = `Carried: seeds with their last ping (LPS), paired users with their keys, inbound SMS and callbacks that wait or were
given up, receipts of published SMS and answers to developers with the time that they have left. Not carried, because
they last minutes: pairing sessions, rate limits, claims of passwords, requests under way.`;

/** The bar judges the time that is left by its last so many updates. */
const updateMs = 100;
const etaOverMs = 5_000;

/** Runs `work`, which may be ended by a signal, with a bar on stderr when that is a terminal. */
export async function carry<T>(context: Context, work: (porter: Porter) => Promise<T>): Promise<T> {
  const { io, options, printer } = context;
  const { config } = await context.loadConfig();
  return context.interruptible(async (signal) => {
    const bar = io.stderr.isTTY === true && !options.quiet ? await openBar(context) : undefined;
    try {
      const progress = bar?.progress ?? (() => undefined);
      return await work({ config, clock: io.clock, log: logOf(printer), signal, progress });
    } finally {
      bar?.stop();
    }
  });
}

async function openBar({ io }: Context): Promise<{ readonly progress: Progress; stop(): void }> {
  const { default: cliProgress } = await import('cli-progress');
  const open = () =>
    new cliProgress.SingleBar({
      stream: io.stderr,
      format: '{step} [{bar}] {percentage} %, {eta_formatted} left',
      barCompleteChar: '#',
      barIncompleteChar: '-',
      barsize: 30,
      clearOnComplete: true,
      hideCursor: true,
      etaBuffer: etaOverMs / updateMs,
      // Ends by our own signals, after which it is stopped like at any other end.
      gracefulExit: false,
    });
  let shown: { readonly step: string; readonly bar: ReturnType<typeof open> } | undefined;
  let nextAt = 0;
  return {
    progress: (step, done, total) => {
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
    stop: () => shown?.bar.stop(),
  };
}

/** What goes wrong without ending the command. */
function logOf(printer: Printer): Log {
  const say = (fields: object, message: string): void => {
    const reason = 'reason' in fields ? `: ${String(fields.reason)}` : '';
    printer.warn(`${message}${reason}`);
  };
  return { debug: () => undefined, info: () => undefined, warn: say, error: say };
}
