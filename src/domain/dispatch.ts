// Gives the SMS of one request to the broker, in their order, and says of each what became of it. Used by outgoing.ts.

import { messageOf } from '../errors.ts';
import type { OutgoingSms } from './model.ts';
import { operatorFault } from './outgoing-names.ts';
import type { Broker } from './upstreams.ts';

export interface Dispatched {
  readonly sms: OutgoingSms;
  /**
   * - `sent`: the broker has it in a queue
   * - `bad`: not sent, and the others may be: its number, its operator, nobody who listens, or a full queue
   * - `unconfirmed`: it was written, and the broker has not said that it took it
   * - `not sent`: it was not written
   */
  readonly kind: 'sent' | 'bad' | 'unconfirmed' | 'not sent';
  /** What went wrong, for the developer; undefined when nothing did. */
  readonly failure?: string;
}

/** SMS that wait for the broker at once. */
const sentAtOnce = 50;

/** One that fails does not hold up the others; but when the broker fails, the rest is not even tried. */
export async function sendAll(
  { broker, isValid }: { readonly broker: Broker; readonly isValid: (number: string) => boolean },
  messages: readonly OutgoingSms[],
): Promise<Dispatched[]> {
  let broken = false;

  const send = async (sms: OutgoingSms): Promise<Dispatched> => {
    if (!isValid(sms.number)) return { sms, kind: 'bad', failure: 'not a phone number in E.164 format' };
    if (operatorFault(sms.authId, sms.operatorName)) {
      return { sms, kind: 'bad', failure: 'the operator of this number is unknown' };
    }
    // Each would wait as long as the one before, in vain.
    if (broken) return { sms, kind: 'not sent', failure: 'not sent: the broker has failed' };
    try {
      const outcome = await broker.send(sms);
      if (outcome === 'sent') return { sms, kind: 'sent' };
      if (outcome === 'unroutable') {
        return { sms, kind: 'bad', failure: `no gateway client for operator ${sms.operatorName}` };
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

  return inTurns(messages, sentAtOnce, send);
}

/** Does `work` for each, `width` at a time, and keeps their order. */
export async function inTurns<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += width) {
    results.push(...(await Promise.all(items.slice(start, start + width).map(work))));
  }
  return results;
}
