// The results of a benchmark as rows: the printed table and the JSON. Used by main.ts and every benchmark.

import { median, spread } from './statistics.ts';

/** `atLeast` and `atMost` bound the ratio, `oursAtMost` bounds swob's own value. */
type Target =
  | { readonly atLeast: number }
  | { readonly atMost: number }
  | { readonly oursAtMost: number }
  | 'none';

export interface Row {
  /** `C1 POST /seeds/ping`. */
  readonly name: string;
  /** Of both figures: `/s`, `ms`, `kB`. */
  readonly unit: string;
  /** One figure a round. */
  readonly ours: readonly number[];
  /** The rounds of the baseline, each beside that of ours; empty when there is none. */
  readonly baseline: readonly number[];
  readonly target: Target;
  /**
   * The same figures for a second of the server's CPU, or times as those of its CPU: what other programs take of the core is
   * not in them.
   */
  readonly perCpuSecond?: { readonly ours: readonly number[]; readonly baseline: readonly number[] };
  /** A row with failures is not ok, whatever its speed. */
  readonly failures?: readonly string[];
  /** Other figures, printed below the table. */
  readonly notes?: Readonly<Record<string, number>>;
}

export interface Verdict extends Row {
  readonly median: { readonly ours: number; readonly baseline: number | null };
  readonly spread: { readonly ours: number; readonly baseline: number | null };
  /** Median of the ratios of the rounds: neighbours share what else the machine did. */
  readonly ratio: number | null;
  readonly ratioByCpu: number | null;
  /** Null without a target, and when the machine was not quiet enough to tell. */
  readonly ok: boolean | null;
}

export function judge(row: Row): Verdict {
  const { ours, baseline, target, perCpuSecond, failures = [] } = row;
  const both = baseline.length > 0;
  const ratio = ratioOf(ours, baseline);
  const ratioByCpu = perCpuSecond ? ratioOf(perCpuSecond.ours, perCpuSecond.baseline) : null;
  const middle = { ours: median(ours), baseline: both ? median(baseline) : null };
  const reached = reaches(target, middle.ours, ratio);
  const unclear =
    (Number.isFinite(ratioByCpu) && reaches(target, middle.ours, ratioByCpu) !== reached) ||
    (!reached && isMissedByMachine(row));
  return {
    ...row,
    median: middle,
    spread: { ours: spread(ours), baseline: both ? spread(baseline) : null },
    ratio,
    ratioByCpu,
    ok: failures.length > 0 ? false : unclear ? null : reached,
  };
}

/** Even the baseline misses the bound, or the CPU time alone is within it: other programs made it wait. */
function isMissedByMachine({ target, baseline, perCpuSecond }: Row): boolean {
  if (target === 'none' || !('oursAtMost' in target)) return false;
  return median(baseline) > target.oursAtMost || median(perCpuSecond?.ours ?? []) <= target.oursAtMost;
}

function ratioOf(ours: readonly number[], baseline: readonly number[]): number | null {
  const ratios = ours.flatMap((value, round) => {
    const beside = baseline[round];
    return beside === undefined ? [] : [value / beside];
  });
  return ratios.length > 0 ? median(ratios) : null;
}

function reaches(target: Target, ours: number, ratio: number | null): boolean | null {
  if (target === 'none') return null;
  if ('oursAtMost' in target) return ours <= target.oursAtMost;
  if (ratio === null) return false;
  return 'atLeast' in target ? ratio >= target.atLeast : ratio <= target.atMost;
}

const heads = ['name', 'ours', 'baseline', 'ratio', 'target', 'ok', 'ratio by CPU'] as const;

/** What the columns are, for readers of the table alone. */
export const legend = `ours and baseline: medians of the rounds, ± half of their range. ratio: median of the ratios of neighbouring rounds; of
times and memory, less is better. ratio by CPU: the same for the CPU time of the server, which other programs do not affect.
ok: ? when the machine was not quiet enough to tell: only one of the two ratios reaches the target, or a time is missed by the
baseline, too, or not by the CPU time.`;

/** The rows as a text table, followed by failures and the other values of each row. */
export function table(verdicts: readonly Verdict[]): string {
  const cells = verdicts.map((verdict) => [
    verdict.name,
    figure(verdict.median.ours, verdict.spread.ours, verdict.unit),
    verdict.median.baseline === null
      ? '-'
      : figure(verdict.median.baseline, verdict.spread.baseline ?? 0, verdict.unit),
    verdict.ratio === null ? '-' : verdict.ratio.toFixed(2),
    targetText(verdict),
    okText(verdict),
    verdict.ratioByCpu === null ? '-' : verdict.ratioByCpu.toFixed(2),
  ]);
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const failures = verdicts.flatMap(({ name, failures = [] }) =>
    failures.map((fault) => `${name}: ${fault}`),
  );
  return [line(heads), ...cells.map(line), ...failures, ...verdicts.flatMap(notesLine)].join('\n');
}

function notesLine({ name, notes = {} }: Verdict): string[] {
  const figures = Object.entries(notes).map(([key, value]) => `${key} ${short(value)}`);
  return figures.length > 0 ? [`${name}: ${figures.join(', ')}`] : [];
}

function figure(value: number, around: number, unit: string): string {
  return `${short(value)} ${unit} ±${Math.round(around * 100)}%`;
}

function okText({ ok, target }: Verdict): string {
  if (ok === null) return target === 'none' ? '-' : '?';
  return ok ? 'yes' : 'NO';
}

function targetText({ target, unit }: Verdict): string {
  if (target === 'none') return '-';
  if ('oursAtMost' in target) return `≤ ${short(target.oursAtMost)} ${unit}`;
  return 'atLeast' in target ? `≥ ${target.atLeast.toFixed(2)}` : `≤ ${target.atMost.toFixed(2)}`;
}

/** Three significant digits. */
function short(value: number): string {
  if (!Number.isFinite(value)) return '?';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits);
}
