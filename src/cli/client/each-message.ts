// Changes messages one by one, and reports how many were changed, also when some or all of the rest were not. Used by `swob sms
// retry`, `drop` and `outgoing cancel`.

import { type ErrorCode, SwobError } from '../../errors.ts';

/** The messages that have been changed. */
export interface Tally {
  count: number;
}

/** Errors of one message, which say nothing about the others. */
const singleErrors: ReadonlySet<ErrorCode> = new Set(['BAD_INPUT', 'NOT_FOUND', 'CONFLICT']);

/** Calls `report` with the count of `work`; when `work` fails, only if some were changed, and then throws its error. */
export async function reportTally(
  report: (count: number) => void,
  work: (tally: Tally) => Promise<void>,
): Promise<void> {
  const tally = { count: 0 };
  try {
    await work(tally);
  } catch (error) {
    if (tally.count > 0) report(tally.count);
    throw error;
  }
  report(tally.count);
}

/**
 * Calls `change` with each id. Goes on after an error of one message, and throws at the end, naming all that failed; stops at any
 * other error, such as UNREACHABLE.
 */
export async function changeEach(
  ids: readonly string[],
  tally: Tally,
  change: (id: string) => Promise<unknown>,
): Promise<void> {
  const failures: { readonly id: string; readonly error: SwobError }[] = [];
  for (const id of ids) {
    try {
      await change(id);
      tally.count++;
    } catch (error) {
      if (!(error instanceof SwobError)) throw error;
      failures.push({ id, error });
      if (!singleErrors.has(error.code)) break;
    }
  }
  const last = failures.at(-1);
  if (!last) return;
  if (ids.length === 1) throw last.error;
  const untried = ids.length - tally.count - failures.length;
  const lines = [
    `failed for ${failures.length} of ${ids.length} ids${untried > 0 ? `, and did not try the last ${untried}` : ''}:`,
    ...failures.map(({ id, error }) => `  ${id}: ${error.message}`),
  ];
  throw new SwobError(last.error.code, lines.join('\n'), { cause: last.error });
}
