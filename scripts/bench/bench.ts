// What a bench is. Each file of benches/ exports one; main.ts knows them all.

import type { Lab } from './lab.ts';
import type { Row } from './report.ts';

export interface Bench {
  /** As on the command line: `B1`. */
  readonly id: string;
  readonly title: string;
  run(lab: Lab): Promise<Row[]>;
}
