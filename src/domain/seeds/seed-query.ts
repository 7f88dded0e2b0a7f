// Filters and orders of the table of gateway clients. Used by seed-table.ts.

import type { SeedRow } from './seed-table.ts';

export const seedSorts = ['works', 'number', 'country', 'operator', 'ping', 'reliability', 'today'] as const;
/** `works`: the numbers that most likely deliver now come first. */
export type SeedSort = (typeof seedSorts)[number];

export interface SeedFilter {
  /** Name, in upper or lower case. */
  readonly country?: string;
  /** Part of the name. */
  readonly operator?: string;
  /** Part of the number, its IMSI, country or operator. */
  readonly text?: string;
  /** Without those that do not ping. */
  readonly activeOnly?: boolean;
}

export function toRowFilter(filter: SeedFilter): (row: SeedRow) => boolean {
  const country = filter.country?.toLowerCase();
  const operator = filter.operator?.toLowerCase();
  const text = filter.text?.trim().toLowerCase() ?? '';
  const digits = text.replace(/[\s()./-]/g, '').replace(/^00/, '+');
  const hasText = (row: SeedRow): boolean =>
    (digits !== '' && (row.msisdn.includes(digits) || (row.imsi ?? '').startsWith(digits))) ||
    row.country.toLowerCase().includes(text) ||
    row.operator.toLowerCase().includes(text);
  return (row) =>
    (country === undefined || row.country.toLowerCase() === country) &&
    (operator === undefined || row.operator.toLowerCase().includes(operator)) &&
    (!filter.activeOnly || row.state === 'active') &&
    (text === '' || hasText(row));
}

type Compare = (a: SeedRow, b: SeedRow) => number;

const hourMs = 3_600_000;

/**
 * How likely a number delivers now: 3 when it pings or has delivered in the last hour, 2 in the last day, 1 when it has
 * ever delivered, 0 when it fell silent.
 */
function chanceOf({ state, lastDeliveryAt = 0 }: SeedRow, now: number): number {
  const delivered = now - lastDeliveryAt;
  if (state === 'active' || delivered <= hourMs) return 3;
  if (delivered <= 24 * hourMs) return 2;
  return state === 'silent' ? 0 : 1;
}

/** Numbers without a test come after good ones and before bad ones. */
const untested = 75;

const lastSeen = ({ lastPingAt = 0, lastDeliveryAt = 0 }: SeedRow): number =>
  Math.max(lastPingAt, lastDeliveryAt);
const compareTexts = (a: string, b: string): number => {
  if (a === b) return 0;
  // Unknown ones are the last.
  if (a === '' || b === '') return a === '' ? 1 : -1;
  return a < b ? -1 : 1;
};
const shareOf = ({ reliability }: SeedRow, otherwise: number): number => reliability?.percent ?? otherwise;

export function compareRows(sort: SeedSort, now: number): Compare {
  const works: Compare = (a, b) =>
    chanceOf(b, now) - chanceOf(a, now) ||
    shareOf(b, untested) - shareOf(a, untested) ||
    b.today - a.today ||
    (b.lastDeliveryAt ?? 0) - (a.lastDeliveryAt ?? 0) ||
    // Not by the last ping, which would move the rows at each one.
    compareTexts(a.msisdn, b.msisdn);
  const orders: Readonly<Record<SeedSort, Compare>> = {
    works,
    number: (a, b) => compareTexts(a.msisdn, b.msisdn),
    country: (a, b) => compareTexts(a.country, b.country) || works(a, b),
    operator: (a, b) => compareTexts(a.operator, b.operator) || works(a, b),
    ping: (a, b) => lastSeen(b) - lastSeen(a) || works(a, b),
    reliability: (a, b) => shareOf(b, -1) - shareOf(a, -1) || works(a, b),
    today: (a, b) => b.today - a.today || works(a, b),
  };
  return orders[sort];
}
