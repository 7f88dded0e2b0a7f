// How late the event loop is. Used by app/compose. Node measures it with a timer of its own, 50 times a second; so it
// is measured only while there is work, and an idle process has no timer at all.

import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { MetricsRegistry } from './registry.ts';

const resolutionMs = 20;
/** Without work for one to two of these it is measured no more. */
const idleMs = 10_000;

export interface LoopMonitor {
  /** There is work: measures for the next seconds. Cheap, to be called for each request. */
  busy(): void;
  stop(): void;
}

/** Registers `swob_event_loop_delay_seconds` (since the last scrape) and `swob_event_loop_utilization_ratio`. */
export function monitorEventLoop(registry: MetricsRegistry): LoopMonitor {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  let wasBusy = false;
  let timer: NodeJS.Timeout | undefined;
  let utilization = performance.eventLoopUtilization();

  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
    delays.disable();
  };
  /** Node's numbers are whole intervals: what is above the resolution is the delay. */
  const seconds = (nanoseconds: number): number =>
    Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - resolutionMs / 1e3) : 0;

  registry.gauge(
    'swob_event_loop_delay_seconds',
    'How late the event loop was since the last scrape, while there was work.',
    ['stat'],
    () => {
      const readings = [
        [['p50'], seconds(delays.percentile(50))],
        [['p99'], seconds(delays.percentile(99))],
        [['max'], delays.count > 0 ? seconds(delays.max) : 0],
      ] as const;
      delays.reset();
      return readings;
    },
  );
  registry.gauge(
    'swob_event_loop_utilization_ratio',
    'Share of the time since the last scrape in which the event loop had work.',
    [],
    () => {
      const now = performance.eventLoopUtilization();
      const since = performance.eventLoopUtilization(now, utilization);
      utilization = now;
      return [[[], since.utilization]];
    },
  );

  return {
    busy: () => {
      wasBusy = true;
      if (timer) return;
      delays.enable();
      // Real time, like what it measures.
      timer = setInterval(() => {
        if (!wasBusy) stop();
        wasBusy = false;
      }, idleMs).unref();
    },
    stop,
  };
}
