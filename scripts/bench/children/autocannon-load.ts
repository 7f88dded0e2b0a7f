// Drives HTTP with autocannon as a plan file says, and prints one line of JSON. Started by http-load.ts.

import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';
import type { HttpLoad, HttpResult } from '../http-load.ts';

const plan: HttpLoad & { connections: number } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));

/** Each connection sends its own part of the requests in order. */
const setupClient = (() => {
  let next = 0;
  return (client: autocannon.Client): void => {
    const first = next++;
    client.setRequests(
      plan.requests
        .filter((_, index) => index % plan.connections === first % plan.connections)
        .map(({ method, path, body }) => ({
          method,
          path,
          ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
        })),
    );
  };
})();

const result = await autocannon({
  url: plan.url,
  connections: Math.min(plan.connections, plan.requests.length),
  timeout: 10,
  ...(plan.once ? { amount: plan.requests.length } : {}),
  duration: plan.seconds,
  setupClient,
});
const answer: HttpResult = {
  perSecond: result.requests.total / result.duration,
  requests: result.requests.total,
  failed: result.non2xx + result.errors + result.timeouts,
  p50: result.latency.p50,
  p99: result.latency.p99,
};
process.stdout.write(`${JSON.stringify(answer)}\n`);
