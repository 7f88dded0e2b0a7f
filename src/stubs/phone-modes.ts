// The modes of the stub phone: what becomes of an SMS, and which reports the phone makes. Used by phone.ts.

import { createHash } from 'node:crypto';
import { SwobError } from '../errors.ts';

export const phoneModes = [
  'delivered',
  'slow',
  'sent',
  'failed',
  'silent',
  'lossy',
  'duplicate',
  'reorder',
  'contradict',
  'reject',
  'requeue',
  'die',
  'mixed',
] as const;

/**
 * What the phone does with an SMS:
 * - `delivered`: sends and acknowledges it, and reports `sent` and `delivered`; `slow`: the same after `ms`
 * - `sent`: reports `sent` only; `failed`: reports that it could not be sent; `silent`: sends it and reports nothing
 * - `lossy`: as `delivered`, but each report is lost with a probability of one half
 * - `duplicate`: as `delivered`, each report twice; `reorder`: in reverse order; `contradict`: followed by `failed`
 * - `reject`: rejects it without requeueing; `requeue`: with requeueing
 * - `die`: sends it, and loses the connection before it acknowledges, so that the broker delivers it again
 * - `mixed`: one of the others, by its share
 */
export type PhoneMode = (typeof phoneModes)[number];
export type SimpleMode = Exclude<PhoneMode, 'mixed'>;

/** Shares of the SMS by mode, 0 to 1; the rest is delivered. */
export type PhoneMix = Readonly<Partial<Record<SimpleMode, number>>>;

/** What most networks and phones do to SMS, and some worse things. */
export const defaultMix: PhoneMix = {
  sent: 0.1,
  failed: 0.1,
  silent: 0.05,
  lossy: 0.05,
  duplicate: 0.05,
  reorder: 0.05,
};

export interface PlannedReport {
  readonly status: 'sent' | 'delivered' | 'failed';
  /** From 1; absent in a report about the whole SMS. */
  readonly part?: number;
  readonly parts?: number;
  readonly reason?: string;
  /** It never leaves the phone. */
  readonly isLost?: true;
}

/** @returns the next number of a sequence, from 0 to below 1 */
export type Random = () => number;

/** The same numbers for the same seed. */
export function seededRandom(seed: string): Random {
  let count = 0;
  return () => {
    const digest = createHash('sha256').update(`${count++} ${seed}`).digest();
    return digest.readUInt32BE() / 2 ** 32;
  };
}

/** Throws BAD_INPUT unless each share is from 0 to 1, and their sum too. */
export function checkMix(mix: PhoneMix): PhoneMix {
  const shares = Object.entries(mix);
  const bad = shares.find(([, share]) => !(share >= 0 && share <= 1));
  if (bad) throw new SwobError('BAD_INPUT', `mix: ${bad[0]}: expected a share from 0 to 1`);
  const sum = shares.reduce((total, [, share]) => total + share, 0);
  // Sums of decimal fractions are not exact.
  if (sum > 1 + 1e-9) throw new SwobError('BAD_INPUT', 'mix: the shares are more than 1 in all');
  return mix;
}

export function chooseMode(mix: PhoneMix, random: Random): SimpleMode {
  let left = random();
  for (const mode of phoneModes) {
    if (mode === 'mixed') continue;
    left -= mix[mode] ?? 0;
    if (left < 0) return mode;
  }
  return 'delivered';
}

/** @param parts how many parts it reports on one by one; undefined when it reports on the whole SMS */
export function planReports(mode: SimpleMode, parts: number | undefined, random: Random): PlannedReport[] {
  const each = (status: PlannedReport['status']): PlannedReport[] =>
    parts === undefined
      ? [{ status }]
      : Array.from({ length: parts }, (_, index) => ({ status, part: index + 1, parts }));
  const delivered = [...each('sent'), ...each('delivered')];
  const failed = {
    ...each('failed').slice(-1)[0],
    status: 'failed',
    reason: 'the network refused it',
  } as const;
  switch (mode) {
    case 'delivered':
    case 'slow':
      return delivered;
    case 'sent':
      return each('sent');
    case 'failed':
      return parts === undefined ? [failed] : [...each('sent').slice(0, -1), failed];
    case 'lossy':
      return delivered.map((report) => (random() < 0.5 ? { ...report, isLost: true } : report));
    case 'duplicate':
      return delivered.flatMap((report) => [report, report]);
    case 'reorder':
      return delivered.toReversed();
    case 'contradict':
      return [...delivered, failed];
    case 'silent':
    case 'reject':
    case 'requeue':
    case 'die':
      return [];
  }
}
