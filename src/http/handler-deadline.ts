// Answers 503 where a handler takes too long. Used by server.ts. Not fastify's own handlerTimeout: that makes a timer, an
// AbortController and, as each request ends by being closed, an exception with its stack, half of what a ping costs.

import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Clock } from '../domain/ports.ts';

declare module 'fastify' {
  interface FastifyReply {
    /** Where it is among those that run; -1: not there. */
    runsAt: number;
  }
}

/** How often it is looked; a handler may take this much longer. */
const lookEveryMs = 1_000;

/** To be called after the hooks that count and log. `late` is what the error handler gets. */
export function limitHandlers(
  app: Pick<FastifyInstance, 'addHook' | 'decorateReply'>,
  timeoutMs: number,
  clock: Pick<Clock, 'monotonic' | 'every'>,
  late: () => Error,
): void {
  /**
   * Places are used again, so there are as many as requests ran at once. No Map: the tables that it leaves behind keep
   * every reply that was in them from being collected cheaply. Whoever hung up stays until the time is over.
   */
  const running: (FastifyReply | undefined)[] = [];
  const since: number[] = [];
  const free: number[] = [];
  let stop: (() => void) | undefined;

  const leave = (reply: FastifyReply): void => {
    if (reply.runsAt < 0) return;
    running[reply.runsAt] = undefined;
    free.push(reply.runsAt);
    reply.runsAt = -1;
  };

  const look = (): void => {
    const before = clock.monotonic() - timeoutMs;
    for (const [place, reply] of running.entries()) {
      if (!reply || (since[place] ?? 0) > before) continue;
      leave(reply);
      if (reply.raw.headersSent) reply.raw.destroy();
      else reply.send(late());
    }
    if (free.length < running.length) return;
    stop?.();
    stop = undefined;
  };

  app.decorateReply('runsAt', -1);
  app.addHook('onRequest', (_request, reply, done) => {
    const place = free.pop() ?? running.length;
    reply.runsAt = place;
    running[place] = reply;
    since[place] = clock.monotonic();
    stop ??= clock.every(lookEveryMs, look);
    done();
  });
  app.addHook('onResponse', (_request, reply, done) => {
    leave(reply);
    done();
  });
}
