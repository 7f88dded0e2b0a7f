// Requests that may come twice and must act once: the second is answered as the first was. Used by outgoing.ts.

import { messageOf, SwobError } from '../errors.ts';
import type { RememberedAnswer } from './model.ts';
import type { Clock, FlightStore, Log, MemoStore } from './ports.ts';
import { createSingleFlight } from './single-flight.ts';

export interface Answer {
  /** JSON */
  readonly body: string;
  /** An incomplete one is not remembered: the same request may be tried again. */
  readonly complete: boolean;
}

/**
 * Answers from memory what was answered under this key before, else by `work`; at the same time, both get its answer.
 * @param request what stands for the request's content; throws CONFLICT when the key came with another one
 */
export type Once = (key: string, request: string, work: () => Promise<Answer>, log: Log) => Promise<Answer>;

export function createRepeatedRequests(
  answers: MemoStore<RememberedAnswer>,
  { flights, clock, log }: { flights: FlightStore | undefined; clock: Clock; log: Log },
): Once {
  const underWay = createSingleFlight<AnswerTo>({ name: 'request', flights, clock, log, read: readAnswer });

  const first = async (...[key, request, work, log]: Parameters<Once>): Promise<AnswerTo> => {
    const earlier = await answers.get(key);
    if (earlier) return { ...earlier, complete: true };
    const answer = await work();
    if (!answer.complete) return { ...answer, request };
    await answers.put(key, { request, body: answer.body }).catch((error: unknown) => {
      log.error(
        { reason: messageOf(error) },
        'an answer could not be kept; after a restart its request would act again',
      );
    });
    return { ...answer, request };
  };

  return async (key, request, work, log) => {
    const answer = await underWay.run(key, () => first(key, request, work, log));
    if (answer.request !== request) {
      throw new SwobError('CONFLICT', 'this Idempotency-Key was used for another request');
    }
    return { body: answer.body, complete: answer.complete };
  };
}

/** With the request that it answers. */
interface AnswerTo extends Answer {
  readonly request: string;
}

function readAnswer(value: unknown): AnswerTo | undefined {
  const { body, complete, request }: Partial<Record<keyof AnswerTo, unknown>> = Object(value);
  if (typeof body !== 'string' || typeof complete !== 'boolean' || typeof request !== 'string')
    return undefined;
  return { body, complete, request };
}
