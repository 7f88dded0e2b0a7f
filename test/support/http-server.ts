// The server of every HTTP service, without the routes of one: tests add their own.

import { onTestFinished } from 'vitest';
import { createBodyBudget } from '../../src/http/body-budget.ts';
import type { Certificate } from '../../src/http/certificate.ts';
import { createConnectionLimiter } from '../../src/http/connection-limiter.ts';
import { createHttpServer } from '../../src/http/server.ts';
import { createFakeClock } from './fake-clock.ts';
import { createMemoryLog } from './log.ts';

/** Not started yet; stops with the test. Errors get 503 with their message. */
export async function createTestServer(certificate?: Certificate, host = '127.0.0.1') {
  const clock = createFakeClock();
  const log = createMemoryLog();
  const renewals: ((renewed: Certificate) => void)[] = [];
  const served: { route: string | undefined; status: number }[] = [];
  const { app, server } = await createHttpServer(
    {
      name: 'the test',
      host,
      port: 0,
      tls: certificate && { current: certificate, onRenewed: (apply) => void renewals.push(apply) },
      trustedProxies: [],
      requestTimeoutMs: 60_000,
      handlerTimeoutMs: 10_000,
      overloadGuard: { admit: () => undefined, rejected: 0, stop: () => undefined },
      connectionLimiter: createConnectionLimiter({ max: 100, clock, log }),
      bodyBudget: createBodyBudget(1_000_000),
      clock,
      log,
      monitoring: {
        recordRequest: ({ route, status }) => served.push({ route, status }),
        readiness: () => Promise.reject(new Error('not asked')),
        mayReadMetrics: () => false,
        metrics: () => Promise.reject(new Error('not asked')),
        service: 'test',
        version: '0',
        uptime: () => 0,
      },
    },
    (error, _request, reply) => reply.code(503).send(error instanceof Error ? error.message : 'failed'),
  );
  onTestFinished(async () => void (await server.stop()));
  const renew = (renewed: Certificate): void => {
    for (const apply of renewals) apply(renewed);
  };
  return { app, server, clock, served, renew };
}
