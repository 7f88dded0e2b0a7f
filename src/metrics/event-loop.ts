// Measures the delay of the event loop. Used by app/compose. Node measures it with a timer of 50 Hz, so it is measured only
// while there is work, and an idle process has no timer.

import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { MetricsRegistry } from './registry.ts';

const resolutionMs = 20;
/** Measuring stops after one to two of these without work. */
const idleMs = 10_000;

export interface EventLoopMonitor {
  /** Measures for the next seconds. Cheap enough to be called for each request. */
  recordActivity(): void;
  stop(): void;
}

/** Registers `swob_event_loop_delay_seconds` (since the last scrape) and `swob_event_loop_utilization_ratio`. */
export function monitorEventLoop(registry: MetricsRegistry): EventLoopMonitor {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  let wasActive = false;
  let timer: NodeJS.Timeout | undefined;
  let utilization = performance.eventLoopUtilization();

  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
    delays.disable();
  };
  /** Node reports whole intervals, so that the delay is what exceeds the resolution. */
  const toSeconds = (nanoseconds: number): number =>
    Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - resolutionMs / 1e3) : 0;

  registry.gauge('swob_event_loop_delay_seconds', () => {
    const samples = [
      [{ stat: 'p50' }, toSeconds(delays.percentile(50))],
      [{ stat: 'p99' }, toSeconds(delays.percentile(99))],
      [{ stat: 'max' }, delays.count > 0 ? toSeconds(delays.max) : 0],
    ] as const;
    delays.reset();
    return samples;
  });
  registry.gauge('swob_event_loop_utilization_ratio', () => {
    const now = performance.eventLoopUtilization();
    const sinceLast = performance.eventLoopUtilization(now, utilization);
    utilization = now;
    return [[{}, sinceLast.utilization]];
  });

  return {
    recordActivity: () => {
      wasActive = true;
      if (timer) return;
      delays.enable();
      // In real time, like the measurement.
      timer = setInterval(() => {
        if (!wasActive) stop();
        wasActive = false;
      }, idleMs).unref();
    },
    stop,
  };
}
