// Who holds a lock, and whether that process is still running. Used by lock.ts only.

import { open, readdir, readFile, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Clock } from '../../domain/shared/ports.ts';
import { systemErrorCode } from '../../errors.ts';
import { isObject } from '../../lib/json.ts';
import { isText } from '../guards.ts';
import { probeSocket } from './liveness-socket.ts';

/** A holder whose process cannot be checked counts as dead after this long without touching its lock. */
export const livenessTimeoutMs = 30_000;
const pollIntervalMs = 1_000;

/** The content of a lock file. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Changes at every boot of the machine; empty on systems that do not expose it. */
  readonly bootId: string;
  /** When the lock was acquired, ISO 8601. */
  readonly since: string;
  /** The socket beside the lock on which the holder listens while it runs; absent where sockets cannot be created. */
  readonly socket?: string;
}

export async function describeSelf(clock: Clock, socket: string | undefined): Promise<Holder> {
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return {
    pid: process.pid,
    host: hostname(),
    bootId: bootId.trim(),
    since: new Date(clock.now()).toISOString(),
    ...(socket === undefined ? {} : { socket }),
  };
}

/**
 * Whether the holder is running. The kernel accepts a connection to the socket of a running process, also a stopped
 * one or one in another container, and refuses it once the process has ended. `unknown` where another kernel may be
 * involved.
 */
export async function checkHolder(
  folder: string,
  holder: Holder,
  me: Holder,
): Promise<'live' | 'dead' | 'unknown'> {
  // Linux exposes its boot id unless a sandbox hides it; other systems run one kernel for all processes.
  const isKnown = me.bootId !== '' || (process.platform !== 'linux' && holder.host === me.host);
  const isSameBoot = holder.bootId === me.bootId && isKnown;
  if (holder.socket === undefined) {
    // The lock is of an earlier version, or of a file system without sockets.
    const isEarlierBoot = holder.host === me.host && holder.bootId !== '' && me.bootId !== '' && !isSameBoot;
    return isEarlierBoot && (await isOnLocalDisk(folder)) ? 'dead' : 'unknown';
  }
  const probe = await probeSocket(folder, holder.socket);
  if (probe === 'taken') return 'live';
  return probe === 'refused' && (isSameBoot || (await isOnLocalDisk(folder))) ? 'dead' : 'unknown';
}

export function isHolder(value: unknown): value is Holder {
  return (
    isObject(value) &&
    typeof value.pid === 'number' &&
    Number.isSafeInteger(value.pid) &&
    value.pid > 0 &&
    isText(value.host) &&
    isText(value.bootId) &&
    isText(value.since) &&
    (value.socket === undefined || (isText(value.socket) && /^\.lock-[0-9a-f]+\.socket$/.test(value.socket)))
  );
}

/**
 * A lock file is synced before it gets its name, so an unreadable one was damaged on disk; its holder's socket still
 * accepts connections.
 */
export async function checkUnreadableLock(folder: string, me: Holder): Promise<'dead' | 'unknown'> {
  if (!(await isOnLocalDisk(folder))) return 'unknown';
  for (const name of await lockTemporaries(folder)) {
    if (name !== me.socket && name.endsWith('.socket') && (await probeSocket(folder, name)) !== 'refused')
      return 'unknown';
  }
  return 'dead';
}

/**
 * Whether the lock file changes within `livenessTimeoutMs`, by the monotonic clock because either machine's wall
 * clock may be wrong. `sign` is the result of `fileVersion` from before the lock was read.
 */
export async function changesWithinTimeout(file: string, sign: string, clock: Clock): Promise<boolean> {
  const end = clock.monotonic() + livenessTimeoutMs;
  while ((await fileVersion(file)) === sign) {
    if (clock.monotonic() >= end) return false;
    await new Promise<void>((resolve) => void clock.after(pollIntervalMs, resolve));
  }
  return true;
}

/** Opens the file each time, which makes a network file system ask its server. Undefined when the file is gone. */
export async function fileVersion(file: string): Promise<string | undefined> {
  try {
    const handle = await open(file, 'r');
    try {
      const { ino, mtimeMs, ctimeMs } = await handle.stat();
      return `${ino} ${mtimeMs} ${ctimeMs}`;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Temporary files and sockets of any process in the folder. */
export async function lockTemporaries(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith('.lock-'));
}

/**
 * Magic numbers (statfs(2)) of file systems that only one kernel at a time can mount: no network file system, no
 * FUSE.
 */
const localFileSystems = new Map([
  [0xef53, 'ext4'],
  [0x5846_5342, 'xfs'],
  [0x9123_683e, 'btrfs'],
  [0xf2f5_2010, 'f2fs'],
  [0x2fc1_2fc1, 'zfs'],
  [0xca45_1a4e, 'bcachefs'],
  [0x2405_1905, 'ubifs'],
  [0x794c_7630, 'overlayfs'],
  [0x0102_1994, 'tmpfs'],
]);

/** On a local disk the holder runs under this kernel or ended with its machine. */
async function isOnLocalDisk(folder: string): Promise<boolean> {
  return localFileSystems.has((await statfs(folder)).type);
}
