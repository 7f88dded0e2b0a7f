// Responds 503 when a handler takes too long. Used by server.ts. Fastify's own `handlerTimeout` (5.12) ends when the request
// stream closes, which is before the handler runs when there is a body; see test/http/fastify-limits.test.ts.

import type { FastifyInstance, FastifyReply, onRequestHookHandler } from 'fastify';
import type { Clock } from '../domain/shared/ports.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The response is a stream that ends with the page: the handler has no deadline. */
    isStream?: boolean;
  }
  interface FastifyReply {
    /** Its index among the running handlers; -1 when it is not there. */
    timeoutSlot: number;
  }
}

/** How often deadlines are checked; a handler may exceed its timeout by this much. */
const checkIntervalMs = 1_000;

/** To be called after the hooks that count and log. `createError` makes the error for the error handler. */
export function addHandlerTimeout(
  app: Pick<FastifyInstance, 'addHook' | 'decorateReply'>,
  timeoutMs: number,
  clock: Pick<Clock, 'monotonic' | 'every'>,
  createError: () => Error,
): void {
  /**
   * One timer and recycled slots for all handlers. In a Map, deleted entries would keep their replies alive until the table
   * is rehashed. An aborted request keeps its slot until its deadline, but neither its body nor its connection.
   */
  const slots: (FastifyReply | 'aborted' | undefined)[] = [];
  const startedAt: number[] = [];
  const freeSlots: number[] = [];
  let stopTimer: (() => void) | undefined;

  const free = (slot: number): void => {
    slots[slot] = undefined;
    freeSlots.push(slot);
  };
  const complete = (reply: FastifyReply): void => {
    if (reply.timeoutSlot < 0) return;
    free(reply.timeoutSlot);
    reply.timeoutSlot = -1;
  };
  const abort = (reply: FastifyReply): void => {
    if (reply.timeoutSlot < 0) return;
    slots[reply.timeoutSlot] = 'aborted';
    reply.timeoutSlot = -1;
  };

  const checkDeadlines = (): void => {
    const latestExpired = clock.monotonic() - timeoutMs;
    for (const [slot, reply] of slots.entries()) {
      if (!reply) continue;
      if (reply !== 'aborted' && reply.request.raw.socket.destroyed) abort(reply);
      if ((startedAt[slot] ?? 0) > latestExpired) continue;
      if (reply === 'aborted' || reply.timeoutSlot < 0) {
        free(slot);
        continue;
      }
      complete(reply);
      if (reply.raw.headersSent) reply.raw.destroy();
      else reply.send(createError());
    }
    if (freeSlots.length < slots.length) return;
    stopTimer?.();
    stopTimer = undefined;
  };

  app.decorateReply('timeoutSlot', -1);
  // Not by `request.routeOptions`, which Fastify builds at each access.
  app.addHook('onRoute', (route) => {
    if (!route.config?.isStream) return;
    const endDeadline: onRequestHookHandler = (_request, reply, done) => {
      complete(reply);
      done();
    };
    route.onRequest = [endDeadline, ...[route.onRequest ?? []].flat()];
  });
  app.addHook('onRequest', (_request, reply, done) => {
    const slot = freeSlots.pop() ?? slots.length;
    reply.timeoutSlot = slot;
    slots[slot] = reply;
    startedAt[slot] = clock.monotonic();
    stopTimer ??= clock.every(checkIntervalMs, checkDeadlines);
    done();
  });
  app.addHook('onSend', (request, reply, _payload, done) => {
    // The client has disconnected, so there will be no onResponse.
    if (request.raw.socket.destroyed) abort(reply);
    done();
  });
  app.addHook('onResponse', (_request, reply, done) => {
    complete(reply);
    done();
  });
}
