// Looks up the operators of one request's recipients, sends their SMS to the broker in order, and reports the outcome of each.
// Used by outgoing.ts.

import { messageOf, SwobError } from '../../errors.ts';
import { mapConcurrent } from '../../lib/concurrency.ts';
import { nextTurn } from '../../lib/next-turn.ts';
import { operatorFault } from './broker-names.ts';
import type { OutgoingSms } from './model.ts';
import type { Broker } from './ports.ts';

/** An SMS to send. */
export interface Sendable {
  readonly sms: OutgoingSms;
  /** A known error: it is not sent. */
  readonly fault: string | undefined;
  /** Why swob cannot keep it now, although it has to wait. */
  readonly unkept?: string;
  /** Whether swob sends it later, or has sent it before. */
  readonly isKept?: boolean;
}

export interface Dispatched<T extends Sendable = Sendable> {
  readonly item: T;
  /**
   * - `sent`: the broker has it in a queue
   * - `kept`: swob sends it later, or has sent it before
   * - `expired`: not sent, because it is no longer valid
   * - `bad`: not sent, because of the SMS, its number, its operator, a missing or a full queue; others are not affected
   * - `unconfirmed`: written to the broker, which has not confirmed it
   * - `not sent`: not written, or not kept by swob
   */
  readonly kind: 'sent' | 'kept' | 'expired' | 'bad' | 'unconfirmed' | 'not sent';
  /** The error message for the developer; undefined when the SMS was sent or is kept. */
  readonly failure?: string;
  /** Of an SMS that was sent: the routing key of its phones. */
  readonly route?: string;
  /** Whether the same SMS may be sent later: the broker does not have it, and may take it then. */
  readonly mayRetry?: boolean;
}

/** Why an SMS has expired before the broker got it. */
export const notSentInTime = 'swob could not give it to a phone while it was valid';

/** SMS that wait for a confirm concurrently. */
const sendConcurrency = 50;

export interface SendOptions<T extends Sendable> {
  readonly broker: Broker;
  /**
   * Runs before each batch, with the outcomes so far and the size of the batch; when it throws, the batch is not sent.
   */
  readonly beforeBatch: (outcomes: readonly Dispatched<T>[], count: number) => Promise<void>;
}

/** Continues after an SMS that fails, but stops when the broker itself fails. */
export async function sendAll<T extends Sendable>(
  { broker, beforeBatch }: SendOptions<T>,
  items: readonly T[],
): Promise<Dispatched<T>[]> {
  let broken = false;

  const send = async (item: T): Promise<Dispatched<T>> => {
    const { sms, fault, unkept, isKept } = item;
    const notSent = (failure: string): Dispatched<T> => ({ item, kind: 'not sent', failure, mayRetry: true });
    if (fault !== undefined) return { item, kind: 'bad', failure: fault };
    if (unkept !== undefined) return notSent(unkept);
    if (isKept) return { item, kind: 'kept' };
    // Each further SMS would only wait for another timeout.
    if (broken) return notSent('not sent: the broker has failed');
    try {
      const result = await broker.send(sms);
      if (result.kind === 'sent') return { item, kind: 'sent', route: result.route };
      if (result.kind === 'expired') return { item, kind: 'expired', failure: notSentInTime };
      if (result.kind === 'unroutable') return { item, kind: 'bad', failure: unroutableText(sms) };
      if (result.kind === 'refused') {
        const failure = 'the broker refused it: the queue of its gateway clients is full';
        return { item, kind: 'bad', failure, mayRetry: true };
      }
      broken = true;
      return { item, kind: 'unconfirmed', failure: 'the broker did not confirm it; it may have been sent' };
    } catch (error) {
      broken = true;
      return notSent(`not sent: ${messageOf(error)}`);
    }
  };

  const outcomes: Dispatched<T>[] = [];
  for (let start = 0; start < items.length; start += sendConcurrency) {
    const some = items.slice(start, start + sendConcurrency);
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
  const results: R[] = [];
  for await (const result of mapConcurrent(inIntervals(items, isAborted), lookupConcurrency, lookUp))
    results.push(result);
  return results;
}

async function* inIntervals<T>(items: readonly T[], isAborted: () => boolean): AsyncGenerator<T> {
  for (const [index, item] of items.entries()) {
    if (index % lookupConcurrency === 0) {
      if (index > 0) await nextTurn();
      if (isAborted()) throw new SwobError('REFUSED', 'the client has closed its connection');
    }
    yield item;
  }
}
