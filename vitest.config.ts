import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { nodeDependentPatterns } from './test/project/node-dependent.ts';

/** How many times slower than a quiet machine this one starts a process now, at least 1. */
function measureSlowness(): number {
  const quietMs = 60;
  const times = Array.from({ length: 3 }, () => {
    const start = performance.now();
    spawnSync(process.execPath, ['-e', '0']);
    return performance.now() - start;
  });
  return Math.min(10, Math.max(1, Math.ceil(Math.min(...times) / quietMs)));
}

const slowness = measureSlowness();
/** Ends what hangs without a limit of its own; no test takes as long. */
const timeout = 240_000 * slowness;

/** `node`: the tests that cover what may differ between versions of Node; unset: all. */
const scope = process.env.TEST_SCOPE ?? 'all';
if (scope !== 'all' && scope !== 'node') throw new Error(`TEST_SCOPE=${scope}: expected all or node`);

/**
 * Without results of an earlier run vitest begins with the largest files. Those that run the contract of stores on Redis, or the
 * commands of documentation, are among the smallest, and take so long that the others would have ended.
 */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      /\/test\/(store\/redis|project\/)/.test(moduleId);
    return (await super.sort(files)).toSorted((a, b) => Number(isLong(b)) - Number(isLong(a)));
  }
}

export default defineConfig({
  test: {
    include: scope === 'node' ? [...nodeDependentPatterns] : ['test/**/*.test.ts'],
    globalSetup: ['test/support/default-ports.ts', 'test/support/run-folder.ts'],
    setupFiles: ['test/support/setup.ts'],
    env: { TEST_SLOWNESS: String(slowness) },
    testTimeout: timeout,
    hookTimeout: timeout,
    expect: { poll: { timeout: 60_000 * slowness } },
    sequence: { sequencer: LongFirst },
    // A worker goes on with the next file: a new process, with all modules loaded anew, costs half a second each.
    isolate: false,
    // The tests mostly wait for processes that they started: with one worker fewer a tenth of the CPU time is not used, and
    // with one more nothing is gained. vitest's own choice on two cores is one worker.
    maxWorkers: Number(process.env.TEST_WORKERS ?? availableParallelism() + 2),
  },
});
