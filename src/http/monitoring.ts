// The monitoring endpoints of every service: `/livez`, `/readyz`, `/metrics`. Used by monitoring-routes.ts for the HTTP
// services, and by the sync service.

import type { IncomingHttpHeaders } from 'node:http';
import type { Readiness } from './readiness.ts';

/** Built by app/compose for each service. */
export interface Monitoring {
  /** Counts a completed request; `route` is its pattern, undefined when none matched. */
  recordRequest(request: {
    readonly method: string;
    readonly route: string | undefined;
    readonly status: number;
    readonly ms: number;
  }): void;
  /** Never rejects. */
  readiness(): Promise<Readiness>;
  /** Whether that address may read the metrics. */
  mayReadMetrics(address: string): boolean;
  metrics(): Promise<{ readonly type: string; readonly text: string }>;
  readonly service: string;
  readonly version: string;
  /** Seconds since the service started. */
  uptime(): number;
}

export interface MonitoringRequest {
  /** The client's address, also behind trusted proxies. */
  readonly address: string;
  /** The address of the other end of the connection. */
  readonly peer: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

export interface MonitoringResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const monitoringPaths = ['/livez', '/readyz', '/metrics'] as const;
type MonitoringPath = (typeof monitoringPaths)[number];

const commonHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
const plainText = 'text/plain; charset=utf-8';

/** The path of a request for one of the endpoints; undefined for any other request. */
export function monitoringPathOf(
  method: string | undefined,
  url: string | undefined,
): MonitoringPath | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  const [path] = (url ?? '').split('?', 1);
  return monitoringPaths.find((candidate) => candidate === path);
}

/** Undefined when the client may not know that the endpoint exists. */
export async function respondToMonitoring(
  monitoring: Monitoring,
  path: MonitoringPath,
  request: MonitoringRequest,
): Promise<MonitoringResponse | undefined> {
  switch (path) {
    case '/livez':
      return { status: 200, headers: { ...commonHeaders, 'content-type': plainText }, body: 'ok' };
    case '/readyz': {
      const { ready, state, checks } = await monitoring.readiness();
      const { service, version } = monitoring;
      const uptime = Math.round(monitoring.uptime() * 10) / 10;
      return {
        status: ready ? 200 : 503,
        headers: { ...commonHeaders, 'content-type': 'application/json; charset=utf-8' },
        body: JSON.stringify({ ready, state, service, version, uptime, checks }),
      };
    }
    case '/metrics': {
      if (!mayReadMetrics(monitoring, request)) return undefined;
      const { type, text } = await monitoring.metrics();
      return { status: 200, headers: { ...commonHeaders, 'content-type': type }, body: text };
    }
  }
}

const forwardingHeaders = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'];

/**
 * Behind a proxy on this machine that is not trusted, every client appears as 127.0.0.1, and so does a web page that is open
 * on it: both are refused.
 */
function mayReadMetrics(monitoring: Monitoring, { address, peer, headers }: MonitoringRequest): boolean {
  if (headers.origin !== undefined) return false;
  const isForwarded = forwardingHeaders.some((name) => headers[name] !== undefined);
  if (isForwarded && (peer === undefined || address === peer)) return false;
  return monitoring.mayReadMetrics(address);
}
