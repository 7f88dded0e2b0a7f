// When an SMS may be given to the broker: rate limits of an operator's queue and SIM, and quiet hours. Used for new SMS and for those
// that wait.

import type { LimitKey } from '../shared/limit-keys.ts';
import type { RateLimit } from '../shared/model.ts';
import type { Clock, LimitStore } from '../shared/ports.ts';
import { readWindow } from './limit-window.ts';
import type { OutgoingSms, QuietHours } from './model.ts';
import { createQuietTimes, createSendingTimes, firstNotQuiet, type QuietTimes } from './quiet-hours.ts';

/** What an SMS waits for: a limit, quiet hours, or the time that the developer chose. */
export const waitReasons = ['rate', 'daily', 'quiet', 'schedule'] as const;
export type WaitReason = (typeof waitReasons)[number];

/** `until` is a Unix time in milliseconds. */
export interface Wait {
  readonly until: number;
  readonly why: WaitReason;
}

type Admission =
  | { readonly kind: 'now' }
  /** Call again at `until`. */
  | ({ readonly kind: 'wait' } & Wait);

/** When the SMS will be admitted that has this number of others before it. */
export type Forecast = (ahead: number) => Wait;

export interface Pacing {
  /** Counts the SMS against its limits when it may be given to the broker now. Throws UNAVAILABLE. */
  admit(sms: OutgoingSms): Promise<Admission>;
  /** Refunds what `admit` has counted for an SMS that the broker did not take. */
  refund(sms: OutgoingSms): Promise<void>;
  /** Of the queue of this SMS; assumes that the broker takes every SMS immediately. Throws UNAVAILABLE. */
  forecast(sms: OutgoingSms): Promise<Forecast>;
}

export interface PacingOptions {
  /** SMS in a window, and in a longer one. */
  readonly rate: RateLimit;
  readonly daily: RateLimit;
  readonly quiet: readonly QuietHours[];
  readonly limits: LimitStore;
  readonly clock: Pick<Clock, 'now'>;
}

/** Of SMS that wait for the same limits, one after the other: those of a developer to one operator by one SIM. */
export function paceKey({ authId, operatorName, sid }: OutgoingSms): string {
  return `${authId} ${sid} ${operatorName}`;
}

/** Undefined where no SMS has to wait. */
export function createPacing({ rate, daily, quiet, limits, clock }: PacingOptions): Pacing | undefined {
  if (rate === 'off' && daily === 'off' && quiet.length === 0) return undefined;
  const quietTimesOf = quietTimesByOperator(quiet);
  const counted = [
    { why: 'rate', name: 'outgoing:rate', limit: rate },
    { why: 'daily', name: 'outgoing:daily', limit: daily },
  ] as const;
  const keyOf = (name: (typeof counted)[number]['name'], sms: OutgoingSms): LimitKey =>
    `${name}:${paceKey(sms)}`;
  const consume = async (key: LimitKey, limit: RateLimit): Promise<number> => limits.consume(key, limit);
  const refundAll = async (some: readonly (typeof counted)[number][], sms: OutgoingSms): Promise<void> => {
    for (const { name, limit } of some) await limits.refund(keyOf(name, sms), limit);
  };

  return {
    admit: async (sms) => {
      const now = clock.now();
      const quietTimes = quietTimesOf(sms.operatorName);
      if (quietTimes?.isQuiet(now)) return { kind: 'wait', until: quietTimes.nextChange(now), why: 'quiet' };
      for (const [index, { why, name, limit }] of counted.entries()) {
        const before = counted.slice(0, index);
        const seconds = await consume(keyOf(name, sms), limit).catch(async (error: unknown) => {
          // The SMS is tried again, and then counts again.
          await refundAll(before, sms).catch(() => {});
          throw error;
        });
        if (seconds === 0) continue;
        await refundAll(before, sms);
        return { kind: 'wait', until: now + seconds * 1_000, why };
      }
      // A restart must not grant a SIM its limits again.
      await Promise.all(
        counted.map(({ name, limit }) => limit !== 'off' && limits.persist(keyOf(name, sms))),
      );
      return { kind: 'now' };
    },
    refund: (sms) => refundAll(counted, sms),
    forecast: async (sms) => {
      const now = clock.now();
      const windowOf = ({ name, limit }: (typeof counted)[number]) =>
        readWindow(limits, keyOf(name, sms), limit);
      const [byRate, byDay] = await Promise.all([windowOf(counted[0]), windowOf(counted[1])]);
      const quietTimes = quietTimesOf(sms.operatorName);
      const first = firstNotQuiet(quietTimes, now);
      const afterWindow = createSendingTimes(quietTimes, now + byRate.endsInMs);
      // Also of one that has to wait for nothing but the SMS before it.
      const usual = counted.find(({ limit }) => limit !== 'off')?.why ?? 'quiet';
      return (ahead) => {
        const windows = byRate.windowsUntil(ahead);
        const paced = windows === 0 ? first : afterWindow((windows - 1) * byRate.windowMs);
        const days = byDay.windowsUntil(ahead);
        const capped = days === 0 ? now : now + byDay.endsInMs + (days - 1) * byDay.windowMs;
        if (capped > paced) return { until: firstNotQuiet(quietTimes, capped), why: 'daily' };
        return { until: paced, why: windows === 0 && first > now ? 'quiet' : usual };
      };
    },
  };
}

/** The quiet hours of an operator by its name in any case; else those of all others. */
function quietTimesByOperator(
  quiet: readonly QuietHours[],
): (operatorName: string) => QuietTimes | undefined {
  const named = new Map(
    quiet.map((hours) => [hours.operatorName?.toLowerCase(), createQuietTimes(hours)] as const),
  );
  return (operatorName) => named.get(operatorName.toLowerCase()) ?? named.get(undefined);
}
