// When an SMS may be given to the broker: rate limits of an operator's queue and SIM, and quiet hours. Used for new SMS and for those
// that wait.

import type { Clock } from '../shared/ports.ts';
import type { AddressedSms } from './addressing.ts';
import type { OutgoingSms } from './model.ts';
import type { WaitingQueue } from './waiting-sms.ts';

type Admission =
  | { readonly kind: 'now' }
  | {
      readonly kind: 'wait';
      /** Unix time in milliseconds at which to ask again. */
      readonly until: number;
    };

export interface Pacing {
  /** Counts the SMS against its limits when it may be given to the broker now. */
  admit(sms: OutgoingSms): Promise<Admission>;
  /** When the SMS will be admitted that has `ahead` others before it; Unix time in milliseconds. */
  estimate(sms: OutgoingSms, ahead: number): Promise<number>;
}

/** Unix time in milliseconds, and whether it was chosen by the developer. */
export interface Wait {
  readonly until: number;
  readonly isScheduled: boolean;
}

/** Of SMS that wait for the same limits, one after the other: those of a developer to one operator by one SIM. */
export function paceKey({ authId, operatorName, sid }: OutgoingSms): string {
  return `${authId} ${sid} ${operatorName}`;
}

interface PlanOptions {
  /** The time that the developer chose. */
  readonly scheduledAt: number | undefined;
  readonly pacing: Pacing | undefined;
  readonly waiting: Pick<WaitingQueue, 'countBefore'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** Until when each SMS of a request waits; undefined for one that may be given to the broker now, and for one with a fault. */
export async function planWaits(
  list: readonly AddressedSms[],
  { scheduledAt, pacing, waiting, clock }: PlanOptions,
): Promise<readonly (Wait | undefined)[]> {
  const isLater = scheduledAt !== undefined && scheduledAt > clock.now();
  /** SMS that wait before the next one, by their pace key. */
  const waitingBefore = new Map<string, number>();
  const waits: (Wait | undefined)[] = [];
  for (const { sms, fault } of list) {
    if (fault !== undefined || (!isLater && !pacing)) waits.push(undefined);
    else if (isLater) waits.push({ until: scheduledAt, isScheduled: true });
    else if (pacing) {
      const key = paceKey(sms);
      const ahead = waitingBefore.get(key) ?? (await waiting.countBefore(sms));
      const admission = ahead === 0 ? await pacing.admit(sms) : undefined;
      waitingBefore.set(key, admission?.kind === 'now' ? 0 : ahead + 1);
      if (admission?.kind === 'now') waits.push(undefined);
      else waits.push({ until: admission?.until ?? (await pacing.estimate(sms, ahead)), isScheduled: false });
    }
  }
  return waits;
}
