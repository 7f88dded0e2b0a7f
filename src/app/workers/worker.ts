// A worker process of `swob serve --workers`: runs the services with the store, the log and the configuration of the primary process,
// until the primary has it stop. Started by primary.ts with the same command line; used by `swob serve`.

import { SwobError } from '../../errors.ts';
import { createDeadline } from '../../lib/deadline.ts';
import { startServices } from '../compose/start.ts';
import { limitDiagnosticFiles } from '../diagnostic-files.ts';
import { createErrorLoggingClock } from '../error-logging-clock.ts';
import { createLifecycle, exitNow, surviveResourceExhaustion } from '../lifecycle.ts';
import { systemClock } from '../system-clock.ts';
import { openPrimaryChannel, type PrimaryChannel } from './cluster-process.ts';
import { divideBounds } from './divide.ts';
import type { ToWorker, WorkerSettings } from './messages.ts';
import { createWorkerContext } from './worker-context.ts';
import { createWorkerLogs } from './worker-logs.ts';

export interface WorkerOptions {
  /** Of the program files of this process. */
  readonly version: string;
  /** Called after each response. */
  readonly onResponse: () => void;
  /** Node's `--diagnostic-dir`. */
  readonly diagnosticFolder: string | undefined;
}

/** Lines of the log wait so long for others; warnings do not wait. */
const logDelayMs = 20;
/** Clients have this long to use their open connections once more before they are closed. */
const drainMs = 2_500;

/** Never resolves: the process ends when the primary says so, or ends itself. */
export async function runWorker(options: WorkerOptions): Promise<never> {
  // A terminal sends them to all processes of its group, and systemd to all of the unit; the primary stops its workers.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
  const channel = openPrimaryChannel();
  channel.onMessage((message) => {
    if (message.kind === 'start') void run(message, channel, options);
  });
  channel.send({ kind: 'online' });
  return new Promise(() => {});
}

type Start = Extract<ToWorker, { kind: 'start' }>;

async function run(
  { settings, levels }: Start,
  channel: PrimaryChannel,
  options: WorkerOptions,
): Promise<void> {
  const { slot, workers, services, version } = settings;
  if (version !== options.version) return reportFailure(channel, versionError(version, options.version));
  const config = divideBounds(settings.config, workers);
  const logs = createWorkerLogs({
    slot,
    levels,
    maxRepeats: config.logging.max_repeats,
    clock: systemClock,
    later: (work) => void setTimeout(work, logDelayMs),
    send: (lines, written) => channel.send({ kind: 'log', lines }, written),
  });
  let currentLevels = levels;
  const { log } = logs;
  const clock = createErrorLoggingClock(systemClock, log);
  surviveResourceExhaustion(log);
  const lifecycle = createLifecycle(log, clock);
  const worker = createWorkerContext({ settings, channel, clock, log });
  const stop = async (budgetMs?: number): Promise<never> => {
    await lifecycle.stop(budgetMs);
    logs.close();
    const metrics = (await worker.self()?.metrics()) ?? [];
    await new Promise<void>((resolve) => channel.send({ kind: 'stopped', metrics }, resolve));
    return exitNow(0);
  };
  channel.onMessage((message) => {
    if (message.kind === 'levels') {
      currentLevels = message.levels;
      logs.setLevels(currentLevels);
    }
    if (message.kind === 'lines') for (const line of message.lines) logs.tail.add(line);
    if (message.kind === 'stop') void stop(message.budgetMs);
    if (message.kind === 'drain')
      void createDeadline(clock, drainMs)
        .settles(worker.self()?.drain() ?? Promise.resolve())
        .then(() => stop());
  });
  try {
    await writeSnapshots(settings, options, { clock, log });
    const endpoints = await startServices(config, new Set(services), {
      clock,
      log,
      logFor: logs.logFor,
      droppedLogLines: () => ({ file: logs.dropped(), gelf: 0, repeated: logs.suppressed() }),
      lifecycle,
      version,
      settings: settings.settings,
      logLevels: () => currentLevels,
      logTail: logs.tail,
      onResponse: options.onResponse,
      worker,
    });
    channel.send({ kind: 'ready', endpoints });
  } catch (error) {
    await lifecycle.stop();
    logs.close();
    reportFailure(channel, error);
  }
}

/** Ends the process once the primary knows why. */
function reportFailure(channel: PrimaryChannel, error: unknown): void {
  const failure =
    error instanceof SwobError
      ? { code: error.code, message: error.message, exit: error.exitCode }
      : { code: undefined, message: String(error instanceof Error ? error.message : error), exit: 70 };
  channel.send({ kind: 'failed', ...failure }, () => exitNow(failure.exit));
}

/** The program files were replaced while the primary runs: both ends of the channel must be the same version. */
function versionError(primary: string, worker: string): SwobError {
  return new SwobError(
    'UNAVAILABLE',
    `the program files are of swob ${worker}, and the running process is of ${primary}: restart the service`,
  );
}

/** As `swob serve` does in a single process: V8 writes the snapshot of the process whose heap is full. */
async function writeSnapshots(
  { config }: WorkerSettings,
  { diagnosticFolder }: WorkerOptions,
  context: Pick<Parameters<typeof limitDiagnosticFiles>[0], 'clock' | 'log'>,
): Promise<void> {
  if (!config.overload.heap_snapshots) return;
  await limitDiagnosticFiles({ folder: diagnosticFolder ?? '.', snapshots: true, ...context });
}
