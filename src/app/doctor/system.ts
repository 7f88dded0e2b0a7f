// Node, memory, file descriptors and the clock of this machine. Used by `swob doctor`.

import { readFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../domain/ports.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** As package.json promises. */
const oldestNode = [20, 19] as const;
/** Descriptors that are needed besides those of sockets. */
const spareDescriptors = 200;
/** Before this the clock of the machine was never set. */
const sanePast = Date.parse('2024-01-01T00:00:00Z');
const saneFuture = Date.parse('2100-01-01T00:00:00Z');
/** Wall and monotonic time may differ by this much while the checks run. */
const jumpMs = 1_000;

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const isOld = major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1]);
  if (!isOld) return ok('node', `${version}`);
  return fail('node', `${version} is too old`, `install Node ${oldestNode.join('.')} or later`);
}

/** The heap against the memory that the machine, the unit or the container gives. */
export function checkMemory(): Finding {
  const heap = getHeapStatistics().heap_size_limit;
  const memory = Math.min(process.constrainedMemory() || totalmem(), totalmem());
  const detail = `heap up to ${megabytes(heap)} of ${megabytes(memory)} of memory`;
  if (heap <= memory) return ok('memory', detail);
  const half = Math.floor(memory / 2 ** 21);
  return warn(
    'memory',
    `${detail}: it would be killed before it collects its garbage`,
    `set NODE_OPTIONS=--max-old-space-size=${half}`,
  );
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MB`;
}

/** Each socket of a phone is one descriptor. Undefined where the system does not tell. */
export async function checkDescriptors(config: Config): Promise<Finding | undefined> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
  if (soft === undefined) return undefined;
  const wanted = config.sync.max_connections + spareDescriptors;
  const detail = `${soft} for [sync] max_connections = ${config.sync.max_connections}`;
  if (Number(soft) >= wanted) return ok('open files', detail);
  return warn(
    'open files',
    `${detail}: connections would fail before the limit is reached`,
    `raise it (LimitNOFILE=${wanted} in the unit, or ulimit -n), or lower max_connections`,
  );
}

/** To be called at the beginning; the function that it returns, at the end. */
export function watchClock(clock: Clock): () => Finding {
  const [wall, steady] = [clock.now(), clock.monotonic()];
  return () => {
    const now = clock.now();
    const advice = 'set the clock, and keep it right with NTP (timedatectl set-ntp true)';
    const time = new Date(now).toISOString();
    if (now < sanePast || now > saneFuture) return fail('clock', `it is ${time}?`, advice);
    const jump = now - wall - (clock.monotonic() - steady);
    if (Math.abs(jump) < jumpMs) return ok('clock', time);
    return warn('clock', `it jumped by ${Math.round(jump)} ms just now`, advice);
  };
}

/** `differences`: by how many milliseconds the clocks of others are ahead, by their names. */
export function checkAgainst(differences: ReadonlyMap<string, number>): Finding | undefined {
  if (differences.size === 0) return undefined;
  const worst = [...differences].reduce((a, b) => (Math.abs(b[1]) > Math.abs(a[1]) ? b : a));
  const [name, ms] = worst;
  const seconds = Math.round(Math.abs(ms) / 1_000);
  if (seconds <= 30)
    return ok('clock of others', `within ${Math.max(1, seconds)} s of ${[...differences.keys()].join(', ')}`);
  return warn(
    'clock of others',
    `that of ${name} is ${seconds} s ${ms > 0 ? 'ahead of' : 'behind'} ours`,
    'find out which is wrong: tokens expire, and phones seem silent, by this clock',
  );
}
