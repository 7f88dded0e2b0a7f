// Requests and their latencies, by service and route. Used by app/compose.

import type { MetricsRegistry } from './registry.ts';

/** One request that was answered. */
export interface ServedRequest {
  readonly method: string;
  /** The route's pattern, never a path: `/seeds/:IMSI`. Undefined when no route matched. */
  readonly route: string | undefined;
  readonly status: number;
  /** From its last header to the end of the answer. */
  readonly ms: number;
}

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** @returns for each service the function that counts its requests */
export function createRequestMeter(
  registry: MetricsRegistry,
): (service: string) => (request: ServedRequest) => void {
  const total = registry.counters(
    'swob_http_requests_total',
    'Requests that were answered, by route pattern and class of status.',
    ['service', 'method', 'route', 'status'],
  );
  const duration = registry.histogram(
    'swob_http_request_duration_seconds',
    'Time from the headers of a request to the end of its answer.',
    ['service', 'method', 'route'],
    buckets,
  );

  return (service) => {
    // Looking a child up by its labels costs more than all the rest: each is kept, and there are few.
    const meters = new Map<string, { count: () => void; observe: (seconds: number) => void }>();
    return ({ method: given, route = 'none', status, ms }) => {
      const method = methods.has(given) ? given : 'other';
      const statusClass = `${Math.trunc(status / 100)}xx`;
      const key = `${method} ${statusClass} ${route}`;
      let meter = meters.get(key);
      if (!meter) {
        meter = {
          count: total(service, method, route, statusClass),
          observe: duration(service, method, route),
        };
        meters.set(key, meter);
      }
      meter.count();
      meter.observe(ms / 1_000);
    };
  };
}
