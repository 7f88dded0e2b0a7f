// Requests that may come twice and must act once: the second is answered as the first was. Used by outgoing.ts.

import { messageOf, SwobError } from '../errors.ts';
import type { RememberedAnswer } from './model.ts';
import type { Log, MemoStore } from './ports.ts';

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
export type Once = (key: string, request: string, work: () => Promise<Answer>) => Promise<Answer>;

export function createRepeatedRequests(answers: MemoStore<RememberedAnswer>, log: Log): Once {
  const underWay = new Map<string, { readonly request: string; readonly answer: Promise<Answer> }>();

  const first = async (key: string, request: string, work: () => Promise<Answer>): Promise<Answer> => {
    const earlier = await answers.get(key);
    if (earlier && earlier.request !== request) throw usedOtherwise();
    if (earlier) return { body: earlier.body, complete: true };
    const answer = await work();
    if (!answer.complete) return answer;
    await answers.put(key, { request, body: answer.body }).catch((error: unknown) => {
      log.error(
        { reason: messageOf(error) },
        'an answer could not be kept; after a restart its request would act again',
      );
    });
    return answer;
  };

  return (key, request, work) => {
    const running = underWay.get(key);
    if (running?.request === request) return running.answer;
    if (running) return Promise.reject(usedOtherwise());
    const answer = first(key, request, work).finally(() => underWay.delete(key));
    underWay.set(key, { request, answer });
    return answer;
  };
}

function usedOtherwise(): SwobError {
  return new SwobError('CONFLICT', 'this Idempotency-Key was used for another request');
}
