// Counts requests and their durations, by service and route. Used by app/compose.

import type { MetricsRegistry } from './registry.ts';

export interface CompletedRequest {
  readonly method: string;
  /** The route's pattern, such as `/seeds/:IMSI`, never a path; undefined when no route matched. */
  readonly route: string | undefined;
  readonly status: number;
  /** From the last header of the request to the end of the response. */
  readonly ms: number;
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** @returns for each service the function that records its requests */
export function createRequestMeter(
  registry: MetricsRegistry,
): (service: string) => (request: CompletedRequest) => void {
  const counterOf = registry.counters('swob_http_requests_total');
  const observerOf = registry.histogram('swob_http_request_duration_seconds');

  return (service) => {
    // There are few series, and looking one up by its labels would cost more than recording.
    const meters = new Map<string, { count: () => void; observe: (seconds: number) => void }>();
    return ({ method: requestMethod, route = 'none', status, ms }) => {
      const method = methods.has(requestMethod) ? requestMethod : 'other';
      const statusClass = `${Math.trunc(status / 100)}xx`;
      const key = `${method} ${statusClass} ${route}`;
      let meter = meters.get(key);
      if (!meter) {
        meter = {
          count: counterOf(service, method, route, statusClass),
          observe: observerOf(service, method, route, statusClass),
        };
        meters.set(key, meter);
      }
      meter.count();
      meter.observe(ms / 1_000);
    };
  };
}
