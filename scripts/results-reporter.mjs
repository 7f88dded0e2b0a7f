// A vitest reporter that writes to $TEST_RESULTS_FILE (JSON) how many tests passed, failed and were skipped, and which
// failed. Used by test.mjs for its last lines.

import { writeFileSync } from 'node:fs';

/** The first line of what went wrong. */
const reason = (error) => String(error?.message ?? error).split('\n', 1)[0];

export default class ResultsReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    const failures = [];
    for (const module of modules) {
      // A file that does not load has errors and no tests.
      counts.failed += module.errors().length;
      for (const error of module.errors()) failures.push(`${module.relativeModuleId}: ${reason(error)}`);
      for (const test of module.children.allTests()) {
        const { state, errors = [] } = test.result();
        const failed = state === 'pending' || state === 'failed';
        counts[failed ? 'failed' : state] += 1;
        if (failed)
          failures.push(`${module.relativeModuleId} > ${test.fullName}: ${reason(errors[0] ?? state)}`);
      }
    }
    for (const error of unhandledErrors) failures.push(`outside of any test: ${reason(error)}`);
    writeFileSync(process.env.TEST_RESULTS_FILE, JSON.stringify({ counts, failures }));
  }
}
