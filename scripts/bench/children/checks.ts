// What the second baselines of C1, C6 and C7 check and log as swob does, by its own functions. Used by checked-pings.ts,
// checked-disconnects.ts and checked-messages.ts.

import type { FastifyInstance } from 'fastify';
import { type Logger, pino } from 'pino';
import { systemClock } from '../../../src/app/system-clock.ts';
import type { LimitKey } from '../../../src/domain/shared/limit-keys.ts';
import { consumeAll, rateLimited } from '../../../src/domain/shared/rate-limiting.ts';
import { SwobError } from '../../../src/errors.ts';
import { createMemoryLimits } from '../../../src/store/memory/limits.ts';
import { createNormaliser } from '../../../src/telecom/normaliser.ts';
import { createFairServer } from './serve.ts';

const limits = createMemoryLimits(systemClock);
/** Counted, but never reached. */
const limit = { count: 900_000_000, windowMs: 60_000 };
const normalise = createNormaliser({ defaultRegion: '', check: 'metadata' });

/** Throws LIMITED. */
export function consumeLimits(keys: readonly LimitKey[]): void {
  const refused = consumeAll(limits, keys, limit);
  // No promise, because these limits are in memory.
  if (refused && 'seconds' in refused) throw rateLimited('requests', refused.seconds);
}

/** E.164; undefined for what is no number. */
export function msisdnOf(text: string): string | undefined {
  const number = normalise(text);
  return number.kind === 'number' ? number.msisdn : undefined;
}

/** A server that logs each request to stderr, and responds to what is refused with its status. */
export function createLoggingServer(): { readonly app: FastifyInstance; readonly log: Logger } {
  const app = createFairServer();
  app.setErrorHandler((error, _request, reply) =>
    reply.code(error instanceof SwobError ? error.httpStatus : 500).send('refused'),
  );
  const log = pino({ base: null }, pino.destination({ dest: 2, sync: false }));
  app.addHook('onResponse', (request, reply, done) => {
    const { id: requestId, ip: client, method } = request;
    const { statusCode: status, elapsedTime: ms } = reply;
    log.info({ requestId, client, method, route: request.routeOptions.url, status, ms }, 'request');
    done();
  });
  return { app, log };
}
