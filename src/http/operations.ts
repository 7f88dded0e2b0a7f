// What operators and balancers ask of every service: `/livez`, `/readyz`, `/metrics`. Used by server.ts for the HTTP
// services and by the sync websocket, which answers plain HTTP only here.

import type { IncomingHttpHeaders } from 'node:http';
import type { Readiness } from './readiness.ts';

/** Made by app/compose for each service. */
export interface Operations {
  /** Counts a request that was answered; `route` is its pattern, undefined when none matched. */
  served(request: {
    readonly method: string;
    readonly route: string | undefined;
    readonly status: number;
    readonly ms: number;
  }): void;
  /** Never rejects. */
  readiness(): Promise<Readiness>;
  /** Whether metrics are shown to that address. */
  mayReadMetrics(address: string): boolean;
  metrics(): Promise<{ readonly type: string; readonly text: string }>;
  readonly service: string;
  readonly version: string;
  /** Seconds since the service started. */
  uptime(): number;
}

/** Who asks. */
export interface Asker {
  /** The client's address, behind trusted proxies too. */
  readonly address: string;
  /** The other end of the connection. */
  readonly peer: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

export interface ProbeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const probePaths = ['/livez', '/readyz', '/metrics'] as const;
type ProbePath = (typeof probePaths)[number];

const common = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
const plain = 'text/plain; charset=utf-8';

/** The path of a request when it is one of the three. */
export function probePathOf(method: string | undefined, url: string | undefined): ProbePath | undefined {
  if (method !== 'GET') return undefined;
  const [path] = (url ?? '').split('?', 1);
  return probePaths.find((candidate) => candidate === path);
}

/** Undefined when the caller may not know that there is such a thing. */
export async function answerProbe(
  operations: Operations,
  path: ProbePath,
  asker: Asker,
): Promise<ProbeAnswer | undefined> {
  switch (path) {
    case '/livez':
      return { status: 200, headers: { ...common, 'content-type': plain }, body: 'ok' };
    case '/readyz': {
      const { ready, state, checks } = await operations.readiness();
      const { service, version } = operations;
      const uptime = Math.round(operations.uptime() * 10) / 10;
      return {
        status: ready ? 200 : 503,
        headers: { ...common, 'content-type': 'application/json; charset=utf-8' },
        body: JSON.stringify({ ready, state, service, version, uptime, checks }),
      };
    }
    case '/metrics': {
      if (!mayRead(operations, asker)) return undefined;
      const { type, text } = await operations.metrics();
      return { status: 200, headers: { ...common, 'content-type': type }, body: text };
    }
  }
}

const forwarding = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'];

/**
 * A proxy on this machine that the configuration does not name makes every stranger a caller from 127.0.0.1, and so does
 * a web page that is open on it: what either of them asks is not answered.
 */
function mayRead(operations: Operations, { address, peer, headers }: Asker): boolean {
  if (headers.origin !== undefined) return false;
  const passedOn = forwarding.some((name) => headers[name] !== undefined);
  if (passedOn && (peer === undefined || address === peer)) return false;
  return operations.mayReadMetrics(address);
}
