// A process without file descriptors that starts a worker, and prints how that ended. Run by fork-failure.test.ts.

import { openSync } from 'node:fs';
import { forkWorker } from '../../../src/app/workers/cluster-process.ts';

try {
  for (;;) openSync('/dev/null', 'r');
} catch {
  // There is none left.
}
process.stdout.write(JSON.stringify(await forkWorker().ended));
process.exit(0);
