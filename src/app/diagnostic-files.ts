// Heap snapshots and Node's diagnostic reports, which a process writes when it runs out of heap. Limits their number,
// because a daemon that restarts in a loop would fill the disk, and their permissions. Used by `swob serve`.

import { chmod, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setHeapSnapshotNearHeapLimit } from 'node:v8';
import type { Clock, Log } from '../domain/shared/ports.ts';
import { messageOf } from '../errors.ts';

/** Node's names: date, time, pid, thread and sequence number. */
const snapshotPattern = /^Heap\.\d{8}\.\d{6}\.\d+\.\d+\.\d+\.heapsnapshot$/;
const reportPattern = /^report\.\d{8}\.\d{6}\.\d+\.\d+\.\d+\.json$/;

const maxSnapshots = 2;
const maxReports = 10;
const dayMs = 86_400_000;

export interface DiagnosticsOptions {
  /** The value of Node's `--diagnostic-dir`. */
  readonly folder: string;
  /** Whether V8 may write a snapshot near the heap limit. */
  readonly snapshots: boolean;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  /** Enables V8's snapshot; replaced in tests. */
  readonly allowSnapshot?: () => void;
}

/**
 * Keeps the newest two snapshots and ten reports, and enables one snapshot unless the last one is less than a day old. Never
 * throws, because swob can serve without them.
 */
export async function limitDiagnosticFiles(options: DiagnosticsOptions): Promise<void> {
  const { folder, clock, log, allowSnapshot = () => setHeapSnapshotNearHeapLimit(1) } = options;
  try {
    const snapshots = await newestFirst(folder, snapshotPattern);
    const [newest] = snapshots;
    // A snapshot from the future was written before the clock was set back.
    const isRecent = newest !== undefined && Math.abs(clock.now() - newest.writtenAt) < dayMs;
    const isAllowed = options.snapshots && !isRecent;
    await keepNewest(snapshots, isAllowed ? maxSnapshots - 1 : maxSnapshots);
    await keepNewest(await newestFirst(folder, reportPattern), maxReports);
    if (isAllowed) allowSnapshot();
    else if (options.snapshots)
      log.info(
        { newest: newest?.path },
        'no heap snapshot will be written: the last one is less than a day old',
      );
  } catch (error) {
    log.warn(
      { folder, reason: messageOf(error) },
      'cannot use the folder for heap snapshots and diagnostic reports',
    );
  }
}

interface DiagnosticFile {
  readonly path: string;
  readonly writtenAt: number;
}

async function newestFirst(folder: string, pattern: RegExp): Promise<DiagnosticFile[]> {
  const paths = (await readdir(folder))
    .filter((name) => pattern.test(name))
    .map((name) => join(folder, name));
  const files = await Promise.all(
    paths.map(async (path) => ({ path, writtenAt: (await stat(path)).mtimeMs })),
  );
  return files.sort((a, b) => b.writtenAt - a.writtenAt);
}

/** Restricts their mode too: Node writes them with the umask's, and reports contain the environment. */
async function keepNewest(files: readonly DiagnosticFile[], count: number): Promise<void> {
  for (const { path } of files.slice(count)) await unlink(path);
  for (const { path } of files.slice(0, count)) await chmod(path, 0o600);
}
