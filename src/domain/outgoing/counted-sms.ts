// The SMS of one request that limits have counted, so that those which the broker does not take are refunded. Used by sending.ts.

import { messageOf } from '../../errors.ts';
import type { Log } from '../shared/ports.ts';
import type { OutgoingSms } from './model.ts';
import type { Pacing } from './pacing.ts';

export interface CountedSms {
  /** Counts for the request; undefined where no SMS has to wait. */
  readonly pacing: Pick<Pacing, 'admit' | 'forecast'> | undefined;
  /** Refunds all but these; never throws. */
  refundAllBut(taken: ReadonlySet<OutgoingSms>): Promise<void>;
}

export function countSms(pacing: Pacing | undefined, log: Log): CountedSms {
  const counted: OutgoingSms[] = [];
  return {
    pacing: pacing && {
      admit: async (sms) => {
        const admission = await pacing.admit(sms);
        if (admission.kind === 'now') counted.push(sms);
        return admission;
      },
      forecast: pacing.forecast,
    },
    refundAllBut: async (taken) => {
      try {
        for (const sms of counted) if (!taken.has(sms)) await pacing?.refund(sms);
      } catch (error) {
        // The outcome of the request matters more than a count, which ends with its window.
        log.warn({ reason: messageOf(error) }, 'limits count SMS that were not sent');
      }
    },
  };
}
