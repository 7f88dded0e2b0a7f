// How late this process is and how much of its memory it uses. Used by compose for src/http/pressure.ts.

import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { Clock } from '../domain/ports.ts';
import type { Sample } from '../http/pressure.ts';

/** Samples for a caller whose timer is due every `everyMs` milliseconds: what it is late is the event loop's delay. */
export function createSampler(clock: Clock, everyMs: number): () => Sample {
  let last = clock.monotonic();
  return () => {
    const now = clock.monotonic();
    const delayMs = Math.max(0, now - last - everyMs);
    last = now;
    return { delayMs, memory: memoryInUse() };
  };
}

/** Of V8's heap (--max-old-space-size) or of the machine's or container's memory, whichever is nearer its end. */
function memoryInUse(): number {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return Math.max(used / limit, process.memoryUsage.rss() / memoryLimit);
}

/** The cgroup's limit (MemoryMax= of systemd, mem_limit of a container); where there is none it is more than all. */
const memoryLimit = Math.min(process.constrainedMemory() || totalmem(), totalmem());
