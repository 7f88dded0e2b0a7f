// Lets one process at a time own a store's folder; used by the lowdb store. Not proper-lockfile (last released in
// 2021), which judges by a file's age alone: after a crash it delays the next start, and two processes that find the
// same stale lock can both remove it and both continue. The lock is the file `lock.<generation>` with the highest
// generation. A process acquires it by linking a complete file to the next generation, which only one process can do,
// and marks it as released instead of deleting it. Generations only grow, so no process meets another lock under a
// name that it has already checked.

import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Log } from '../../domain/shared/ports.ts';
import { SwobError, systemErrorCode } from '../../errors.ts';
import { writeNewFile } from '../../lib/durable-files.ts';
import { syncFolder } from '../../lib/folders.ts';
import { isObject, tryParseJson } from '../../lib/json.ts';
import { diskError } from '../disk-error.ts';
import {
  changesWithinTimeout,
  checkHolder,
  checkUnreadableLock,
  describeSelf,
  fileVersion,
  type Holder,
  isHolder,
  livenessTimeoutMs,
  lockTemporaries,
} from './holder.ts';
import { type LivenessSocket, listenForLiveness, probeSocket } from './liveness-socket.ts';
import { takeName } from './take-name.ts';

export interface Lock {
  /** True once another host has taken the lock over because this process was stopped for too long. */
  readonly lost: boolean;
  /** The previous holder released the lock after a clean shutdown. */
  readonly afterRelease: boolean;
  /** Grows by one with each process that has the folder. */
  readonly generation: number;
  /** `cleanShutdown` is recorded for the next holder. Idempotent. */
  release(cleanShutdown?: boolean): Promise<void>;
}

const touchIntervalMs = 10_000;
const maxAttempts = 20;

/** What one attempt to acquire the lock needs. */
interface AcquireAttempt {
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly me: Holder;
  /** A complete, synced lock file under a temporary name. */
  readonly draft: string;
}

/**
 * Acquires the lock of an existing folder. Throws UNAVAILABLE, naming the holder, when it is held. Watches the lock
 * for half a minute first when the holder's process cannot be checked.
 */
export async function acquireLock(folder: string, clock: Clock, log: Log): Promise<Lock> {
  const name = `.lock-${randomBytes(6).toString('hex')}`;
  const draft = join(folder, name);
  const socketName = `${name}.socket`;
  let keepSocket = false;
  const socket = await listenForLiveness(folder, socketName).catch((error: unknown) => {
    throw diskError(`cannot lock the store ${folder}`, error, 'opening');
  });
  try {
    const me = await describeSelf(clock, socket && socketName);
    // Synced, or a power cut could leave the lock's name without its content.
    await writeNewFile(draft, JSON.stringify(me));
    await touch(draft, clock);
    for (let tries = 0; tries < maxAttempts; tries++) {
      const taken = await tryAcquire({ folder, clock, log, me, draft });
      if (!taken) continue;
      keepSocket = true;
      await removeLeftovers(folder, name);
      await syncFolder(folder);
      return createHeldLock(taken, draft, clock, socket);
    }
  } catch (error) {
    keepSocket = false;
    throw diskError(`cannot lock the store ${folder}`, error, 'opening');
  } finally {
    await unlink(draft).catch(() => {});
    if (!keepSocket) await socket?.close();
  }
  throw new SwobError('UNAVAILABLE', `too many processes are competing for the store ${folder}; try again`);
}

interface AcquiredLock {
  readonly file: string;
  readonly generation: number;
  readonly afterRelease: boolean;
}

/** Undefined: try again. Throws when the lock is held. */
async function tryAcquire(attempt: AcquireAttempt): Promise<AcquiredLock | undefined> {
  const { folder, draft } = attempt;
  const top = (await listGenerations(folder)).at(-1) ?? 0;
  const state = top > 0 ? await readState(attempt, fileOf(top)) : 'new';
  if (state === 'gone') return undefined;

  const mine = top + 1;
  const file = join(folder, fileOf(mine));
  if (!(await takeName(draft, file))) return undefined;
  // The name may be free only because later holders have removed it since the folder was read. They remove in
  // ascending order, so as long as `top` exists no process can have had `mine`.
  const now = await listGenerations(folder);
  if (now.at(-1) !== mine || (top > 0 && !now.includes(top))) {
    await removeIfPresent(file);
    return undefined;
  }
  for (const lower of now.slice(0, -1)) {
    if (!(await removeIfPresent(join(folder, fileOf(lower))))) break;
  }
  return { file, generation: mine, afterRelease: state === 'released' };
}

/** Whether the file is gone, whoever removed it. */
async function removeIfPresent(file: string): Promise<boolean> {
  return unlink(file).then(
    () => true,
    (error: unknown) => systemErrorCode(error) === 'ENOENT',
  );
}

/** `gone`: the file has changed since it was listed, so try again. Throws when the lock is held. */
async function readState(attempt: AcquireAttempt, name: string): Promise<'released' | 'left' | 'gone'> {
  const { folder, clock, log, me } = attempt;
  const file = join(folder, name);
  const sign = await fileVersion(file);
  const text = await readIfPresent(file);
  if (sign === undefined || text === undefined) return 'gone';
  const content = tryParseJson(text);
  if (isReleased(content)) {
    // `inGoodOrder` in locks of earlier versions.
    return content.cleanShutdown === false || content.inGoodOrder === false ? 'left' : 'released';
  }

  const holder = isHolder(content) ? content : undefined;
  const verdict = holder ? await checkHolder(folder, holder, me) : await checkUnreadableLock(folder, me);
  if (verdict === 'dead') return 'left';
  const owner = holder ? describeHolder(holder) : `an unreadable ${name}`;
  if (verdict === 'unknown') {
    // A dead holder's socket goes with its lock when another process takes over, so that the lock may be gone by now.
    if ((await fileVersion(file)) === sign) {
      const seconds = livenessTimeoutMs / 1_000;
      log.warn({ folder, holder: owner }, `the store may be in use; watching its lock for ${seconds} s`);
      if (!(await changesWithinTimeout(file, sign, clock))) return 'left';
    }
    const now = await readIfPresent(file);
    const nowContent = now === undefined ? undefined : tryParseJson(now);
    // Also one that another process was just writing.
    if (now === undefined || isReleased(nowContent) || (!holder && isHolder(nowContent))) return 'gone';
  }
  throw folderInUseError(folder, owner);
}

export function folderInUseError(folder: string, owner: string): SwobError {
  return new SwobError(
    'UNAVAILABLE',
    `the store ${folder} is in use by ${owner}; stop it, or configure another [store] url`,
  );
}

export function describeHolder({ pid, host, since }: Pick<Holder, 'pid' | 'host' | 'since'>): string {
  return `pid ${pid} on host ${host} since ${since}`;
}

/**
 * Removes temporary files and sockets of killed processes. This process has the lock, so no temporary file of another
 * can become one.
 */
async function removeLeftovers(folder: string, ours: string): Promise<void> {
  for (const name of await lockTemporaries(folder)) {
    if (name.startsWith(ours)) continue;
    const socket = name.endsWith('.socket') ? name : `${name}.socket`;
    if ((await probeSocket(folder, socket)) !== 'taken') await removeIfPresent(join(folder, name));
  }
}

/** The holder as its lock file describes it; `state`: whether that process is running. */
export interface LockHolder extends Pick<Holder, 'pid' | 'host' | 'since'> {
  readonly state: 'live' | 'dead' | 'unknown';
}

/** Only reads. Undefined when no process holds the folder's lock; throws the system's error. */
export async function readLockHolder(folder: string, clock: Clock): Promise<LockHolder | undefined> {
  const top = (await listGenerations(folder)).at(-1);
  if (top === undefined) return undefined;
  const content = tryParseJson(await readFile(join(folder, fileOf(top)), 'utf8'));
  if (!isHolder(content)) return undefined;
  const { pid, host, since } = content;
  return {
    pid,
    host,
    since,
    state: await checkHolder(folder, content, await describeSelf(clock, undefined)),
  };
}

function createHeldLock(
  { file, generation, afterRelease }: AcquiredLock,
  draft: string,
  clock: Clock,
  socket: LivenessSocket | undefined,
): Lock {
  let lost = false;
  let released: Promise<void> | undefined;

  /** A missing lock file means that it was taken over; any other error may be temporary. */
  const touchOrDetectLoss = (): Promise<void> =>
    touch(file, clock).catch((error: unknown) => {
      if (systemErrorCode(error) === 'ENOENT') lost = true;
    });
  const stopTouching = clock.every(touchIntervalMs, () => void touchOrDetectLoss());

  const markReleased = async (cleanShutdown: boolean): Promise<void> => {
    try {
      await writeFile(draft, JSON.stringify({ released: true, cleanShutdown }), { mode: 0o600 });
      await rename(draft, file);
    } catch (error) {
      await unlink(draft).catch(() => {});
      throw diskError(`cannot release the lock ${file}`, error);
    }
  };

  const release = async (cleanShutdown: boolean): Promise<void> => {
    stopTouching();
    await touchOrDetectLoss();
    try {
      if (!lost) await markReleased(cleanShutdown);
    } catch (error) {
      // With the socket gone, the next process would have to watch the lock.
      await socket?.abandon();
      throw error;
    }
    await socket?.close();
  };

  return {
    afterRelease,
    generation,
    get lost() {
      return lost;
    },
    release: (cleanShutdown = true) => {
      released ??= release(cleanShutdown);
      return released;
    },
  };
}

function fileOf(generation: number): string {
  return `lock.${generation}`;
}

/** The generations in the folder, ascending. */
async function listGenerations(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names
    .flatMap((name) => /^lock\.(\d{1,15})$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/** By the injected clock, which also measures the file's age. */
async function touch(file: string, clock: Clock): Promise<void> {
  await utimes(file, clock.now() / 1_000, clock.now() / 1_000);
}

async function readIfPresent(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
}

function isReleased(
  content: unknown,
): content is { readonly released: true; readonly cleanShutdown?: unknown; readonly inGoodOrder?: unknown } {
  return isObject(content) && content.released === true;
}
