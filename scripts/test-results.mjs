// The results of a run of the tests, as results-reporter.mjs sends them, and what a second run of the failed files makes
// of them. Used by test.mjs.

/**
 * Collects the messages of a run:
 * `start` has the timeout of a test in ms, `begin` and `end` name what is running, `test` has the state of a test
 * (`passed`, `failed`, `skipped`), `error` is one outside of tests, with its file if that is known, and `over` is the last.
 */
export function createResults() {
  return {
    testTimeout: 0,
    running: new Set(),
    tests: new Map(),
    errors: [],
    isOver: false,
    take({ type, ...message }) {
      if (type === 'start') this.testTimeout = message.testTimeout;
      else if (type === 'begin') this.running.add(message.name);
      else if (type === 'end') this.running.delete(message.name);
      else if (type === 'test') this.tests.set(message.id, message);
      else if (type === 'error') this.errors.push(message);
      else if (type === 'over') this.isOver = true;
    },
  };
}

const isFailed = ({ state }) => state === 'failed';

/** The files, as absolute paths, in which something failed. */
export function failedFiles({ tests, errors }) {
  const files = [...[...tests.values()].filter(isFailed), ...errors].flatMap(({ file }) => file ?? []);
  return [...new Set(files)];
}

/**
 * Counts and failures after the first run and, if there was one, the second run of its failed files. A test that
 * failed in the first and passed in the second counts as passed, and is unstable; so is one that passed in
 * the first alone, and counts as passed too.
 * @returns {{ counts: { passed: number, failed: number, skipped: number }, failures: string[], unstable: string[] }}
 */
export function conclude(first, second) {
  const tests = new Map(first.tests);
  const unstable = second ? mergeTests(tests, first, second) : [];
  const errors = second ? mergeErrors(unstable, first, second) : first.errors;
  const counts = { passed: 0, failed: errors.length, skipped: 0 };
  for (const { state } of tests.values()) counts[state] += 1;
  const failures = [...[...tests.values()].filter(isFailed), ...errors];
  return { counts, failures: failures.map(lineOf), unstable: unstable.map(lineOf) };
}

/** Changes `tests` to the outcome of both runs; returns those with different outcomes, with their error. */
function mergeTests(tests, first, second) {
  const unstable = [];
  const incomplete = new Set(first.errors.map(({ file }) => file));
  for (const [id, test] of second.tests) {
    const before = first.tests.get(id);
    if (before?.state === 'passed') {
      if (isFailed(test)) unstable.push(test);
    } else if (before && isFailed(before)) {
      if (test.state !== 'passed') continue;
      unstable.push(before);
      tests.set(id, test);
    } else if (incomplete.has(test.file)) {
      // The first run did not reach it.
      tests.set(id, test);
    }
  }
  return unstable;
}

/** The errors that remain; adds those that the second run did not have again to `unstable`. */
function mergeErrors(unstable, first, second) {
  const completed = new Set([...second.tests.values()].map(({ file }) => file));
  const again = new Set(second.errors.map(({ file }) => file));
  const remaining = [...second.errors];
  for (const error of first.errors) {
    // Of an error without a file it is not known whether the second run could have had it.
    if (error.file === undefined || !(completed.has(error.file) || again.has(error.file)))
      remaining.push(error);
    else if (!again.has(error.file)) unstable.push(error);
  }
  return remaining;
}

const lineOf = ({ name, reason }) => `${name}: ${reason}`;
