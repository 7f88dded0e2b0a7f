/** Multiplies the iterations of tests that search for rare faults: `TEST_EFFORT=5 npm test` before a release. */
export const effort = Number(process.env.TEST_EFFORT ?? 1);
