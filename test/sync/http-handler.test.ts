// Monitoring of the sync service whose answer fails.

import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { SwobError } from '../../src/errors.ts';
import { createConnectionLimiter } from '../../src/http/connection-limiter.ts';
import { createListener } from '../../src/lib/listener.ts';
import { createHttpHandler } from '../../src/sync/http-handler.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';

/** The response to a scrape that fails with this error, and the line of its log. */
async function scrape(error: Error) {
  const [clock, log] = [createFakeClock(), createMemoryLog()];
  const handler = createHttpHandler({
    monitoring: {
      recordRequest: () => undefined,
      readiness: () => Promise.reject(error),
      mayReadMetrics: () => true,
      metrics: () => Promise.reject(error),
      service: 'sync',
      version: '0',
      uptime: () => 0,
    },
    connectionLimiter: createConnectionLimiter({ max: 10, clock, log }),
    addressOf: () => '127.0.0.1',
    clock,
    log,
  });
  const server = createServer(handler);
  onTestFinished(() => void server.close());
  const port = await createListener(server, { host: '127.0.0.1', port: 0 }).start();
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  return { response, text: await response.text(), log };
}

test('metrics that are not available now get 503 with the reason, and when to try again', async () => {
  const { response, text, log } = await scrape(
    new SwobError('UNAVAILABLE', 'the metrics were not added up in time', { retryAfter: 1 }),
  );
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('1');
  expect(text).toBe('the metrics were not added up in time');
  expect(log.lines).toContainEqual(expect.objectContaining({ level: 'error', message: 'request failed' }));
});

test('a defect gets 500 without details', async () => {
  const { response, text } = await scrape(new TypeError('x is undefined'));
  expect([response.status, text]).toEqual([500, 'internal error']);
});
