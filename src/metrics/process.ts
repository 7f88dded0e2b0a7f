// CPU, memory and handles of the process, under the names of prom-client's default metrics, which dashboards know. Used by
// app/compose. Not the default metrics themselves: they keep a timer of 100 Hz and an observer that nothing stops.

import { readdir, readFile } from 'node:fs/promises';
import type { MetricsRegistry } from './registry.ts';

export function registerProcessMetrics(registry: MetricsRegistry, version: string): void {
  const single = (value: number) => [[{}, value]] as const;
  const startedAt = Date.now() / 1_000 - process.uptime();

  registry.gauge('swob_build_info', () => [[{ version, node: process.version }, 1]]);
  registry.observableCounter('process_cpu_seconds_total', () => {
    const { user, system } = process.cpuUsage();
    return single((user + system) / 1e6);
  });
  registry.gauge('process_start_time_seconds', () => single(startedAt));
  registry.gauge('process_resident_memory_bytes', () => single(process.memoryUsage.rss()));
  registry.gauge('nodejs_heap_size_used_bytes', () => single(process.memoryUsage().heapUsed));
  registry.gauge('nodejs_heap_size_total_bytes', () => single(process.memoryUsage().heapTotal));
  registry.gauge('nodejs_external_memory_bytes', () => single(process.memoryUsage().external));
  registry.gauge('nodejs_active_resources', () => {
    const counts = new Map<string, number>();
    for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1);
    return [...counts].map(([type, count]) => [{ type }, count] as const);
  });
  // Both are left out on systems without /proc.
  registry.gauge('process_open_fds', async () => single((await readdir('/proc/self/fd')).length));
  registry.gauge('process_max_fds', async () => {
    const limits = await readFile('/proc/self/limits', 'utf8');
    const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
    return soft === undefined ? [] : single(Number(soft));
  });
}
