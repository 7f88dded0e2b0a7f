// Until when each SMS of a request waits in swob: for its schedule, or behind the limits of its queue. Used by sending.ts.

import type { Clock } from '../shared/ports.ts';
import type { AddressedSms } from './addressing.ts';
import { type Forecast, type Pacing, paceKey, type Wait } from './pacing.ts';
import { maxScheduleMs, type WaitingQueue } from './waiting-sms.ts';

interface PlanOptions {
  /** The time that the developer chose. */
  readonly scheduledAt: number | undefined;
  readonly pacing: Pick<Pacing, 'admit' | 'forecast'> | undefined;
  readonly waiting: Pick<WaitingQueue, 'countBefore'>;
  readonly clock: Pick<Clock, 'now'>;
}

export interface PlannedSms {
  /** With a fault when it would wait too long. */
  readonly addressed: AddressedSms;
  /** Undefined for one that may be given to the broker now, and for one with a fault. */
  readonly wait: Wait | undefined;
}

/** Throws UNAVAILABLE. */
export async function planWaits(
  list: readonly AddressedSms[],
  { scheduledAt, pacing, waiting, clock }: PlanOptions,
): Promise<readonly PlannedSms[]> {
  const now = clock.now();
  if (scheduledAt !== undefined && scheduledAt > now) {
    const wait: Wait = { until: scheduledAt, why: 'schedule' };
    return list.map((addressed) => ({ addressed, wait: addressed.fault === undefined ? wait : undefined }));
  }
  /** By pace key, SMS that wait before the next one. */
  const queues = new Map<string, { ahead: number; forecast?: Forecast }>();

  const waitOf = async ({ sms, fault }: AddressedSms): Promise<Wait | undefined> => {
    if (fault !== undefined || !pacing) return undefined;
    const key = paceKey(sms);
    const queue = queues.get(key) ?? { ahead: await waiting.countBefore(sms) };
    queues.set(key, queue);
    const admission = queue.ahead === 0 ? await pacing.admit(sms) : undefined;
    if (admission?.kind === 'now') return undefined;
    // One for all SMS of the queue, as it reads the store.
    queue.forecast ??= await pacing.forecast(sms);
    const wait = admission ?? queue.forecast(queue.ahead);
    if (wait.until <= now + maxScheduleMs) queue.ahead++;
    return { until: wait.until, why: wait.why };
  };

  const planned: PlannedSms[] = [];
  for (const addressed of list) {
    const wait = await waitOf(addressed);
    if (wait && wait.until > now + maxScheduleMs) {
      planned.push({ addressed: { ...addressed, fault: tooLong }, wait: undefined });
    } else planned.push({ addressed, wait });
  }
  return planned;
}

const tooLong = `not sent: it would wait over ${maxScheduleMs / 86_400_000} days behind other SMS to its operator; send it again when fewer wait`;
