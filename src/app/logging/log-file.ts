// The log file of a service: buffers lines and writes them in the background. When the disk is slow, full or gone, it
// drops lines instead of blocking or buffering without limit. Used by logs.ts.

import type { Clock, Log } from '../../domain/shared/ports.ts';
import { messageOf, systemErrorCode } from '../../errors.ts';
import { createDeadline, type Deadline } from '../../lib/deadline.ts';
import type { FileLimits } from './archives.ts';
import { createDropCounter } from './drop-counter.ts';
import { maxLineLength } from './record.ts';
import { createRotatingFile } from './rotating-file.ts';

export interface LogFile {
  /** Never throws or blocks. */
  write(line: string): void;
  /** Closes the file and opens it by name again, for logrotate. */
  reopen(): void;
  /** Dropped lines. */
  readonly dropped: number;
  /** Writes buffered lines, for a second at most. */
  close(deadline?: Deadline): Promise<void>;
}

export interface LogFileDeps {
  readonly folder: string;
  /** `gateway` of `gateway.log`. */
  readonly name: string;
  readonly limits: FileLimits;
  readonly clock: Clock;
  /** Gets errors of the file; may write to this same file. */
  readonly log: Log;
}

/** Characters buffered for the disk; further lines are dropped. */
const maxWaiting = 4 * 1024 * 1024;
/** Characters of one write, unless the file's own limit is lower. */
const maxWriteLength = 256 * 1024;
const retryMs = 5_000;
const closeTimeoutMs = 1_000;
/** Archives are removed by age, which is counted in days. */
const maintenanceMs = 3_600_000;

export function createLogFile({ folder, name, limits, clock, log }: LogFileDeps): LogFile {
  // A UTF-16 code unit takes at most three bytes, so a chunk or the longest line fits into the smallest file.
  const maxChunk = Math.max(maxLineLength, Math.min(maxWriteLength, limits.maxFileBytes / 4));
  /** The first one may be being written. */
  const waiting: string[] = [];
  let waitingLength = 0;
  let writing: Promise<void> | undefined;
  let reopenPending = false;
  let closing = false;
  /** The last error, and the cancellation of the pause before the next attempt. */
  let failure: { readonly reason: string; paused: (() => void) | undefined } | undefined;
  let stopMaintenance: (() => void) | undefined;

  const file = createRotatingFile({
    folder,
    name,
    limits,
    clock,
    onMaintenanceError: (error) =>
      log.warn({ folder, error: messageOf(error) }, 'cannot remove or compress log archives'),
  });
  const drops = createDropCounter(clock, (lost, reason) =>
    log.error({ file: file.path, lost, reason }, 'log lines were dropped'),
  );

  const onFailure = (error: unknown): void => {
    const reason = String(systemErrorCode(error) ?? messageOf(error));
    const first = failure === undefined;
    failure = { reason, paused: undefined };
    if (!closing) failure.paused = clock.after(retryMs, retry);
    if (first) log.error({ file: file.path, error: messageOf(error) }, 'the log file cannot be written');
  };

  const retry = (): void => {
    failure?.paused?.();
    if (failure) failure.paused = undefined;
    start();
  };

  const writeWaiting = async (): Promise<void> => {
    for (;;) {
      if (reopenPending) {
        reopenPending = false;
        await file.release();
      }
      const [chunk] = waiting;
      if (chunk === undefined) return;
      await file.append(Buffer.from(chunk));
      waiting.shift();
      waitingLength -= chunk.length;
      if (failure) log.warn({ file: file.path }, 'the log file can be written again');
      failure = undefined;
      if (waiting.length === 0) drops.flush();
    }
  };

  const start = (): void => {
    if (writing || failure?.paused) return;
    stopMaintenance ??= startMaintenance();
    writing = writeWaiting()
      .catch(onFailure)
      .then(() => {
        writing = undefined;
        if (!closing && (waiting.length > 0 || reopenPending)) start();
      });
  };

  const startMaintenance = (): (() => void) => {
    const stop = clock.every(maintenanceMs, () => void file.maintain());
    void file.maintain();
    return stop;
  };

  return {
    write: (line) => {
      if (waitingLength + line.length > maxWaiting) {
        drops.add(1, failure?.reason ?? 'the disk is too slow');
        return;
      }
      const last = waiting.length > 1 ? waiting.pop() : undefined;
      if (last !== undefined && last.length + line.length <= maxChunk) waiting.push(last + line);
      else waiting.push(...(last === undefined ? [] : [last]), line);
      waitingLength += line.length;
      start();
    },
    reopen: () => {
      reopenPending = true;
      retry();
    },
    get dropped() {
      return drops.total;
    },
    close: async (deadline = createDeadline(clock, closeTimeoutMs)) => {
      closing = true;
      stopMaintenance?.();
      retry();
      await deadline.atMost(closeTimeoutMs).settles(Promise.resolve(writing).then(file.release));
      drops.stop();
    },
  };
}
