// Who holds a lock, and whether that process still runs. Used by lock.ts only.

import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Clock } from '../domain/ports.ts';

/** What a lock file says of its holder; texts are empty where the system does not tell. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Changes with every boot of the machine. */
  readonly bootId: string;
  /** The PID namespace: containers on one machine may share a folder, a host name and a boot. */
  readonly pidSpace: string;
  /** When the process started, in clock ticks since boot: a pid alone is used again. */
  readonly startTime: string;
  /** When the lock was taken, ISO 8601. */
  readonly since: string;
}

export async function describeSelf(clock: Clock): Promise<Holder> {
  const [bootId, pidSpace, own] = await Promise.all([
    orEmpty(readFile('/proc/sys/kernel/random/boot_id', 'utf8')),
    orEmpty(readlink('/proc/self/ns/pid')),
    processOf(process.pid),
  ]);
  return {
    pid: process.pid,
    host: hostname(),
    bootId: bootId.trim(),
    pidSpace,
    startTime: own.startTime,
    since: new Date(clock.now()).toISOString(),
  };
}

/** Whether the holder runs; `unknown` when it is of another host, boot or container. */
export async function judge(holder: Holder, me: Holder): Promise<'live' | 'dead' | 'unknown'> {
  const isNear = holder.host === me.host && holder.bootId === me.bootId && holder.pidSpace === me.pidSpace;
  if (!isNear) return 'unknown';
  if (!exists(holder.pid)) return 'dead';
  const { startTime, state } = await processOf(holder.pid);
  // A killed process that its parent has not waited for still has its pid, but writes no more.
  if (state === 'Z' || state === 'X') return 'dead';
  // Without a start time on either side (no /proc, or hidden from us) the pid must do.
  if (startTime === '' || holder.startTime === '') return exists(holder.pid) ? 'live' : 'dead';
  return startTime === holder.startTime ? 'live' : 'dead';
}

export function isHolder(value: unknown): value is Holder {
  if (typeof value !== 'object' || value === null) return false;
  const texts = ['host', 'bootId', 'pidSpace', 'startTime', 'since'];
  // Sound: an object can be looked at by any name.
  const fields = value as Record<string, unknown>;
  const { pid } = fields;
  return (
    typeof pid === 'number' &&
    Number.isSafeInteger(pid) &&
    pid > 0 &&
    texts.every((name) => typeof fields[name] === 'string')
  );
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, but another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** State (field 3) and start time (field 22) of proc(5)'s stat; empty where there is no /proc. */
async function processOf(pid: number): Promise<{ state: string; startTime: string }> {
  const stat = await orEmpty(readFile(`/proc/${pid}/stat`, 'utf8'));
  // Field 2 is the command in parentheses and may hold anything, also parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startTime: fields[19] ?? '' };
}

function orEmpty(text: Promise<string>): Promise<string> {
  return text.catch(() => '');
}
