// Answers 503 where a handler takes too long. Used by server.ts. Not fastify's own handlerTimeout: that makes a timer, an
// AbortController and, as each request ends by being closed, an exception with its stack, half of what a ping costs.

import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Clock } from '../domain/ports.ts';

/** How often it is looked; a handler may take this much longer. */
const lookEveryMs = 1_000;

/** To be called after the hooks that count and log. `late` is what the error handler gets. */
export function limitHandlers(
  app: Pick<FastifyInstance, 'addHook'>,
  timeoutMs: number,
  clock: Pick<Clock, 'monotonic' | 'every'>,
  late: () => Error,
): void {
  /** In the order of their beginnings. Whoever hung up stays until the time is over. */
  const running = new Map<FastifyReply, number>();
  let stop: (() => void) | undefined;

  const look = (): void => {
    const before = clock.monotonic() - timeoutMs;
    for (const [reply, since] of running) {
      if (since > before) break;
      running.delete(reply);
      if (reply.raw.headersSent) reply.raw.destroy();
      else reply.send(late());
    }
    if (running.size > 0) return;
    stop?.();
    stop = undefined;
  };

  app.addHook('onRequest', (_request, reply, done) => {
    running.set(reply, clock.monotonic());
    stop ??= clock.every(lookEveryMs, look);
    done();
  });
  app.addHook('onResponse', (_request, reply, done) => {
    running.delete(reply);
    done();
  });
}
