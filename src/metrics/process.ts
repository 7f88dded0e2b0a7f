// CPU, memory and handles of this process, under the names that prom-client's default metrics have, which dashboards
// know. Used by app/compose. Not those themselves: they keep a timer of 100 Hz and an observer that nothing stops.

import { readdir, readFile } from 'node:fs/promises';
import type { MetricsRegistry, Reading } from './registry.ts';

export function registerProcess(registry: MetricsRegistry, version: string): void {
  const one = (value: number): readonly Reading[] => [[[], value]];
  const startedAt = Date.now() / 1_000 - process.uptime();

  registry.gauge('swob_build_info', 'Version of swob and of Node; always 1.', ['version', 'node'], () => [
    [[version, process.version], 1],
  ]);
  registry.readCounter('process_cpu_seconds_total', 'CPU time of user and system.', [], () => {
    const { user, system } = process.cpuUsage();
    return one((user + system) / 1e6);
  });
  registry.gauge('process_start_time_seconds', 'Unix time at which the process started.', [], () =>
    one(startedAt),
  );
  registry.gauge('process_resident_memory_bytes', 'Resident memory.', [], () =>
    one(process.memoryUsage.rss()),
  );
  registry.gauge('nodejs_heap_size_used_bytes', 'Heap that is in use.', [], () =>
    one(process.memoryUsage().heapUsed),
  );
  registry.gauge('nodejs_heap_size_total_bytes', 'Heap that the process has.', [], () =>
    one(process.memoryUsage().heapTotal),
  );
  registry.gauge('nodejs_external_memory_bytes', 'Memory of buffers and the like.', [], () =>
    one(process.memoryUsage().external),
  );
  registry.gauge('nodejs_active_resources', 'Handles and requests that keep Node at work.', ['type'], () => {
    const counts = new Map<string, number>();
    for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1);
    return [...counts].map(([type, count]): Reading => [[type], count]);
  });
  // Where there is no /proc, both are left out.
  registry.gauge('process_open_fds', 'Open file descriptors.', [], async () =>
    one((await readdir('/proc/self/fd')).length),
  );
  registry.gauge('process_max_fds', 'Most file descriptors that may be open.', [], async () => {
    const limits = await readFile('/proc/self/limits', 'utf8');
    const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
    return soft === undefined ? [] : one(Number(soft));
  });
}
