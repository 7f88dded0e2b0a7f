// Checks the age of the data about phone numbers and operators. Used by `swob doctor`.

import { type Finding, ok, warn } from '../../lib/finding.ts';

export interface DataVersion {
  readonly check: string;
  readonly package: string;
  readonly version: string;
  /** Date of the release, ISO 8601. */
  readonly released: string;
  readonly maxAgeMonths: number;
  readonly advice: string;
}

const monthMs = (365.25 / 12) * 86_400_000;

/** One finding for each entry; `now` is Unix time in milliseconds. */
export function checkNumberData(entries: readonly DataVersion[], now: number): Finding[] {
  return entries.map(({ check, package: name, version, released, maxAgeMonths, advice }) => {
    const months = Math.max(0, Math.floor((now - Date.parse(released)) / monthMs));
    const detail = `${name} ${version} of ${released}`;
    if (months <= maxAgeMonths) return ok(check, detail);
    return warn(check, `${detail} is ${months} months old`, advice);
  });
}
