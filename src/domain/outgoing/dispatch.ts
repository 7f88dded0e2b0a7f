// Looks up the operators of one request's recipients, sends their SMS to the broker in order, and reports the outcome of each.
// Used by outgoing.ts.

import { messageOf, SwobError } from '../../errors.ts';
import { mapConcurrent } from '../../lib/concurrency.ts';
import { nextTurn } from '../../lib/next-turn.ts';
import { operatorFault } from './broker-names.ts';
import type { OutgoingSms } from './model.ts';
import type { Broker } from './ports.ts';

export interface Dispatched {
  readonly sms: OutgoingSms;
  /**
   * - `sent`: the broker has it in a queue
   * - `bad`: not sent, because of the SMS, its number, its operator, a missing or a full queue; others are not affected
   * - `unconfirmed`: written to the broker, which has not confirmed it
   * - `not sent`: not written
   */
  readonly kind: 'sent' | 'bad' | 'unconfirmed' | 'not sent';
  /** The error message for the developer; undefined when the SMS was sent. */
  readonly failure?: string;
}

/** SMS that wait for a confirm concurrently. */
const sendConcurrency = 50;

export interface SendOptions {
  readonly broker: Broker;
  /**
   * Runs before each batch, with the outcomes so far and the size of the batch; when it throws, the batch is not sent.
   */
  readonly beforeBatch: (outcomes: readonly Dispatched[], count: number) => Promise<void>;
}

/**
 * Continues after an SMS that fails, but stops when the broker itself fails. `fault` is a known error of an SMS, which
 * is then not sent.
 */
export async function sendAll(
  { broker, beforeBatch }: SendOptions,
  messages: readonly { readonly sms: OutgoingSms; readonly fault: string | undefined }[],
): Promise<Dispatched[]> {
  let broken = false;

  const send = async ({ sms, fault }: (typeof messages)[number]): Promise<Dispatched> => {
    if (fault !== undefined) return { sms, kind: 'bad', failure: fault };
    // Each further SMS would only wait for another timeout.
    if (broken) return { sms, kind: 'not sent', failure: 'not sent: the broker has failed' };
    try {
      const outcome = await broker.send(sms);
      if (outcome === 'sent') return { sms, kind: 'sent' };
      if (outcome === 'unroutable') {
        return { sms, kind: 'bad', failure: unroutableText(sms) };
      }
      if (outcome === 'refused') {
        return {
          sms,
          kind: 'bad',
          failure: 'the broker refused it: the queue of its gateway clients is full',
        };
      }
      broken = true;
      return {
        sms,
        kind: 'unconfirmed',
        failure: 'the broker did not confirm it; it may have been sent',
      };
    } catch (error) {
      broken = true;
      return { sms, kind: 'not sent', failure: `not sent: ${messageOf(error)}` };
    }
  };

  const outcomes: Dispatched[] = [];
  for (let start = 0; start < messages.length; start += sendConcurrency) {
    const some = messages.slice(start, start + sendConcurrency);
    if (start > 0) await nextTurn();
    if (!broken) await beforeBatch(outcomes, some.length);
    outcomes.push(...(await Promise.all(some.map(send))));
  }
  return outcomes;
}

/** Number lookups in progress. */
const lookupConcurrency = 50;

function unroutableText({ authId, operatorName }: OutgoingSms): string {
  return operatorFault(authId, operatorName) === undefined
    ? `no gateway client for operator ${operatorName}`
    : 'the operator of this number is unknown';
}

/**
 * Looks up every item, and returns the results in the same order. At intervals the event loop runs other tasks, and REFUSED is
 * thrown when the client has gone.
 */
export async function lookUpAll<T, R>(
  items: readonly T[],
  lookUp: (item: T) => Promise<R>,
  isAborted: () => boolean = () => false,
): Promise<R[]> {
  async function* inIntervals(): AsyncGenerator<T> {
    for (const [index, item] of items.entries()) {
      if (index % lookupConcurrency === 0) {
        if (index > 0) await nextTurn();
        if (isAborted()) throw new SwobError('REFUSED', 'the client has closed its connection');
      }
      yield item;
    }
  }
  const results: R[] = [];
  for await (const result of mapConcurrent(inIntervals(), lookupConcurrency, lookUp)) results.push(result);
  return results;
}
