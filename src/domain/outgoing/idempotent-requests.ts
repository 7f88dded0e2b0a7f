// Idempotent requests: a repeated request gets the stored response of the first one, or resumes where that was
// interrupted. Used by outgoing.ts.

import { messageOf, SwobError } from '../../errors.ts';
import { createCoalescer } from '../shared/coalesce.ts';
import type { Clock, LeaseStore, Log, TtlStore } from '../shared/ports.ts';
import type { StoredResponse } from './model.ts';

export interface RequestResult {
  /** JSON */
  readonly body: string;
  /** An incomplete result is not stored: the client may try the same request again. */
  readonly complete: boolean;
}

/** Progress of an unfinished request, as in `StoredResponse`. */
interface Progress {
  readonly body: string;
  readonly done: number;
  readonly begun: number;
}

/** One attempt to run a request. */
export interface RequestAttempt {
  /** Progress of an earlier attempt that was interrupted. */
  readonly earlier: Progress | undefined;
  /**
   * Stores the progress before the next step is made. Throws UNAVAILABLE when it cannot be stored, or when another
   * process has taken over the request: the attempt must stop then.
   */
  saveProgress(progress: Progress): Promise<void>;
}

type Work = (attempt: RequestAttempt) => Promise<RequestResult>;

/**
 * Returns the stored response for this key, or the result of `work`, which concurrent calls share. Throws CONFLICT when
 * the key was used for another request.
 * @param request a digest of the content of the request
 */
export type RunOnce = (key: string, request: string, work: Work, log: Log) => Promise<RequestResult>;

/** For a request that cannot be repeated, as it has no key. */
export const singleAttempt: RequestAttempt = { earlier: undefined, saveProgress: async () => {} };

/**
 * A lease may expire while its process still runs; `replace` then stops that process, because another one has taken
 * over.
 */
export function createIdempotentRequests(
  responses: TtlStore<StoredResponse>,
  { leases, clock, log }: { leases: LeaseStore | undefined; clock: Clock; log: Log },
): RunOnce {
  const coalescer = createCoalescer<ResultOf>({ name: 'request', leases, clock, log, read: readResult });

  const first = async (...[key, request, work, log]: Parameters<RunOnce>): Promise<ResultOf> => {
    const earlier = await responses.get(key);
    const begun = earlier?.unfinished?.begun;
    // A stored request of which nothing was started does not count, whatever its content.
    const isFinished = earlier && begun !== 0 && (begun === undefined || earlier.request !== request);
    if (isFinished) return { ...earlier, complete: true };
    let stored = earlier;
    const replace = async (next: StoredResponse): Promise<void> => {
      if (!(await responses.replace(key, next, stored))) throw new Superseded();
      stored = next;
    };
    const result = await work({
      earlier:
        earlier?.unfinished && earlier.request === request
          ? { body: earlier.body, ...earlier.unfinished }
          : undefined,
      saveProgress: ({ body, done, begun }) => replace({ request, body, unfinished: { done, begun } }),
    });
    const next = result.complete ? { request, body: result.body } : (earlier ?? notStarted(request));
    if (result.complete || stored !== earlier) {
      await replace(next).catch((error: unknown) => {
        // The process that has taken over sends the rest.
        if (error instanceof Superseded) throw error;
        log.error(
          { reason: messageOf(error) },
          'a response could not be stored; if its request is repeated, it is reported as possibly sent',
        );
      });
    }
    return { ...result, request };
  };

  return async (key, request, work, log) => {
    const result = await coalescer.run(key, () => first(key, request, work, log));
    if (result.request !== request) {
      throw new SwobError('CONFLICT', 'this Idempotency-Key was used for another request');
    }
    return { body: result.body, complete: result.complete };
  };
}

class Superseded extends SwobError {
  constructor() {
    super('UNAVAILABLE', 'another process has taken over this request; try again', { retryAfter: 1 });
  }
}

function notStarted(request: string): StoredResponse {
  return { request, body: '{}', unfinished: { done: 0, begun: 0 } };
}

/** A result with the digest of its request. */
interface ResultOf extends RequestResult {
  readonly request: string;
}

function readResult(value: unknown): ResultOf | undefined {
  const { body, complete, request }: Partial<Record<keyof ResultOf, unknown>> = Object(value);
  if (typeof body !== 'string' || typeof complete !== 'boolean' || typeof request !== 'string')
    return undefined;
  return { body, complete, request };
}
