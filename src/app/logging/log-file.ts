// The log file of a service: takes lines at once, writes them in the background, and loses lines rather than memory or
// time when the disk is slow, full or gone. Used by logs.ts.

import type { Clock, Log } from '../../domain/ports.ts';
import { errnoOf, messageOf } from '../../errors.ts';
import type { FileLimits } from './archives.ts';
import { countLosses } from './losses.ts';
import { maxLineLength } from './record.ts';
import { createRotatingFile } from './rotating-file.ts';

export interface LogFile {
  /** Never throws, never waits. */
  write(line: string): void;
  /** Closes the file and goes on with what is there then under its name. */
  reopen(): void;
  /** Lines that were lost. */
  readonly dropped: number;
  /** Writes what waits, within a second. */
  close(): Promise<void>;
}

export interface LogFileDeps {
  readonly folder: string;
  /** `gateway` of `gateway.log`. */
  readonly name: string;
  readonly limits: FileLimits;
  readonly clock: Clock;
  /** Told of troubles with the file; may write to this very file. */
  readonly log: Log;
}

/** Characters that wait for the disk; a line that finds no room is lost. */
const maxWaiting = 4 * 1024 * 1024;
/** Characters that are written at once, if the file may be that large. */
const mostAtOnce = 256 * 1024;
const retryMs = 5_000;
const closeMs = 1_000;
/** Age is a matter of days. */
const tidyMs = 3_600_000;

export function createLogFile({ folder, name, limits, clock, log }: LogFileDeps): LogFile {
  // A character is three bytes at most, so this and even the longest line fit into the smallest file.
  const maxChunk = Math.max(maxLineLength, Math.min(mostAtOnce, limits.maxFileBytes / 4));
  /** The first one may be on its way to the disk. */
  const waiting: string[] = [];
  let waitingLength = 0;
  let writing: Promise<void> | undefined;
  let releaseFirst = false;
  let closing = false;
  /** Since the disk refused: what it said, and the end of the pause. */
  let trouble: { readonly reason: string; paused: (() => void) | undefined } | undefined;
  let stopTidying: (() => void) | undefined;

  const file = createRotatingFile({
    folder,
    name,
    limits,
    clock,
    onUntidy: (error) =>
      log.warn({ folder, error: messageOf(error) }, 'archives of logs cannot be removed or compressed'),
  });
  const losses = countLosses(clock, (lost, reason) =>
    log.error({ file: file.path, lost, reason }, 'log lines were lost'),
  );

  const failed = (error: unknown): void => {
    const reason = String(errnoOf(error) ?? messageOf(error));
    const first = trouble === undefined;
    trouble = { reason, paused: undefined };
    if (!closing) trouble.paused = clock.after(retryMs, resume);
    if (first) log.error({ file: file.path, error: messageOf(error) }, 'the log file cannot be written');
  };

  const resume = (): void => {
    trouble?.paused?.();
    if (trouble) trouble.paused = undefined;
    start();
  };

  const drain = async (): Promise<void> => {
    for (;;) {
      if (releaseFirst) {
        releaseFirst = false;
        await file.release();
      }
      const [chunk] = waiting;
      if (chunk === undefined) return;
      await file.append(Buffer.from(chunk));
      waiting.shift();
      waitingLength -= chunk.length;
      if (trouble) log.warn({ file: file.path }, 'the log file is written again');
      trouble = undefined;
      if (waiting.length === 0) losses.settle();
    }
  };

  const start = (): void => {
    if (writing || trouble?.paused) return;
    stopTidying ??= beginTidying();
    writing = drain()
      .catch(failed)
      .then(() => {
        writing = undefined;
        if (!closing && (waiting.length > 0 || releaseFirst)) start();
      });
  };

  const beginTidying = (): (() => void) => {
    const stop = clock.every(tidyMs, () => void file.tidy());
    void file.tidy();
    return stop;
  };

  return {
    write: (line) => {
      if (waitingLength + line.length > maxWaiting) {
        losses.add(1, trouble?.reason ?? 'the disk is too slow');
        return;
      }
      const last = waiting.length > 1 ? waiting.pop() : undefined;
      if (last !== undefined && last.length + line.length <= maxChunk) waiting.push(last + line);
      else waiting.push(...(last === undefined ? [] : [last]), line);
      waitingLength += line.length;
      start();
    },
    reopen: () => {
      releaseFirst = true;
      resume();
    },
    get dropped() {
      return losses.total;
    },
    close: async () => {
      closing = true;
      stopTidying?.();
      resume();
      const written = Promise.resolve(writing).then(file.release, () => undefined);
      await new Promise<void>((resolve) => {
        const giveUp = clock.after(closeMs, resolve);
        void written
          .catch(() => undefined)
          .then(() => {
            giveUp();
            resolve();
          });
      });
      losses.stop();
    },
  };
}
