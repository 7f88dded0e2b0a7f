import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/property-seed.ts'],
    // Long enough for a broker that starts anew on a machine that does much else.
    testTimeout: 60_000,
    hookTimeout: 90_000,
    // The tests mostly wait for processes that they started; vitest's own choice on two cores is one worker.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
});
