// Event-loop delay, memory use and connection limit of this process. Used by compose, for src/http/overload-guard.ts.

import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { Clock } from '../domain/shared/ports.ts';
import type { LoadSample } from '../http/overload-guard.ts';

/**
 * For a caller whose timer fires every `everyMs` milliseconds: how late it fires is the event-loop delay. `processes` use the
 * machine's memory together.
 */
export function createSampler(clock: Clock, everyMs: number, processes = 1): () => LoadSample {
  let last = clock.monotonic();
  return () => {
    const now = clock.monotonic();
    const delayMs = Math.max(0, now - last - everyMs);
    last = now;
    return { delayMs, memory: memoryInUse(processes) };
  };
}

/** The larger share of V8's heap limit (--max-old-space-size) and of the machine's or container's memory. */
function memoryInUse(processes: number): number {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return Math.max(used / limit, (processes * residentMemory()) / memoryLimit);
}

/** Node reads a file for this, which fails without free descriptors; then only the heap counts. */
function residentMemory(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return 0;
  }
}

/** The share of descriptors for files and upstream connections, which clients must leave free. */
const reservedShare = 1 / 4;
const [minReserved, maxReserved] = [96, 1_024];
/** Assumed where there is no /proc. */
const defaultOpenFiles = 8_192;

/** An idle connection takes 3 KB of heap, one with a running request up to 10 KB. */
const heapBytesPerConnection = 8 * 1_024;

/**
 * Client connections that the limit of open files (systemd's LimitNOFILE=, `ulimit -n`) and the heap limit
 * (--max-old-space-size) allow.
 */
export function maxClientConnections(): number {
  const limit = openFilesLimit();
  const reserved = Math.max(minReserved, Math.min(maxReserved, limit * reservedShare));
  const inHeap = getHeapStatistics().heap_size_limit / heapBytesPerConnection;
  return Math.max(16, Math.floor(Math.min(limit - reserved, inHeap)));
}

/** Open files and heap that this many client connections need. */
export function requirementsFor(connections: number): { readonly files: number; readonly heapMb: number } {
  return {
    files: Math.ceil(connections + maxReserved),
    heapMb: Math.ceil((connections * heapBytesPerConnection) / 2 ** 20),
  };
}

function openFilesLimit(): number {
  try {
    const [, soft = ''] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return Number(soft) || defaultOpenFiles;
  } catch {
    return defaultOpenFiles;
  }
}

/** The cgroup's limit (systemd's MemoryMax=, a container's mem_limit), or all memory. */
const memoryLimit = Math.min(process.constrainedMemory() || totalmem(), totalmem());
