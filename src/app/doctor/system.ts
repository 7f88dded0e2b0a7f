// Checks Node's version, memory, file descriptors and the clock. Used by `swob doctor`.

import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../domain/shared/ports.ts';
import { maxUpgradedShare } from '../../http/connection-limiter.ts';
import { type Finding, fail, ok, warn } from '../../lib/finding.ts';
import { maxClientConnections, requirementsFor } from '../resources.ts';

/** As `engines` in package.json. */
const oldestNode = [20, 19] as const;
/** A clock with an earlier time was never set. */
const earliestPlausible = Date.parse('2024-01-01T00:00:00Z');
const latestPlausible = Date.parse('2100-01-01T00:00:00Z');
/** Tolerated difference of wall and monotonic time while the checks run. */
const jumpMs = 1_000;

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const isOld = major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1]);
  if (!isOld) return ok('node', `${version}`);
  return fail('node', `${version} is too old`, `install Node ${oldestNode.join('.')} or later`);
}

/** The heap limit must fit into the memory of the machine, unit or container. */
export function checkMemory(): Finding {
  const heap = getHeapStatistics().heap_size_limit;
  const memory = Math.min(process.constrainedMemory() || totalmem(), totalmem());
  const detail = `heap limit ${megabytes(heap)}, memory ${megabytes(memory)}`;
  if (heap <= memory) return ok('memory', detail);
  const half = Math.floor(memory / 2 ** 21);
  return warn(
    'memory',
    `${detail}: the system would kill swob before V8 frees memory`,
    `set NODE_OPTIONS=--max-old-space-size=${half}`,
  );
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MB`;
}

/** The configured number of sockets must fit below the limits of open files and heap. */
export function checkConnectionLimit(config: Config): Finding {
  const configured = config.sync.max_connections;
  const possible = Math.floor(maxClientConnections() * maxUpgradedShare);
  if (possible >= configured)
    return ok('connections', `the limits allow [sync] max_connections = ${configured}`);
  const { files, heapMb } = requirementsFor(configured / maxUpgradedShare);
  return warn(
    'connections',
    `the limits of this process allow ${possible} sockets, fewer than [sync] max_connections = ${configured}: further ones get 503`,
    `allow ${files} open files (LimitNOFILE= in the unit, ulimit -n) and a heap of ${heapMb} MB (--max-old-space-size in NODE_OPTIONS), or lower max_connections`,
  );
}

/** Call the returned function after the other checks have run. */
export function startClockCheck(clock: Clock): () => Finding {
  const [wall, monotonic] = [clock.now(), clock.monotonic()];
  return () => {
    const now = clock.now();
    const advice = 'set the clock, and synchronise it with NTP (timedatectl set-ntp true)';
    const time = new Date(now).toISOString();
    if (now < earliestPlausible || now > latestPlausible)
      return fail('clock', `the time is implausible: ${time}`, advice);
    const jump = now - wall - (clock.monotonic() - monotonic);
    if (Math.abs(jump) < jumpMs) return ok('clock', time);
    return warn('clock', `it jumped by ${Math.round(jump)} ms during the check`, advice);
  };
}

/** `differences`: how many milliseconds the clock of each upstream system is ahead of ours. */
export function compareWithUpstreamClocks(differences: ReadonlyMap<string, number>): Finding | undefined {
  if (differences.size === 0) return undefined;
  const worst = [...differences].reduce((a, b) => (Math.abs(b[1]) > Math.abs(a[1]) ? b : a));
  const [name, ms] = worst;
  const seconds = Math.round(Math.abs(ms) / 1_000);
  if (seconds <= 30)
    return ok('upstream clocks', `within ${Math.max(1, seconds)} s of ${[...differences.keys()].join(', ')}`);
  return warn(
    'upstream clocks',
    `the clock of ${name} is ${seconds} s ${ms > 0 ? 'ahead of' : 'behind'} ours`,
    'correct the wrong one: the expiry of tokens and seeds depends on this clock',
  );
}
