// The interface of a benchmark. Each file of benches/ exports one; main.ts lists them.

import type { BenchEnvironment } from './environment.ts';
import type { Row } from './report.ts';

export interface Bench {
  /** As on the command line: `C1`. */
  readonly id: string;
  readonly title: string;
  run(environment: BenchEnvironment): Promise<Row[]>;
}
