/** With other versions of Node the tests look for what differs between versions, not for rare faults of our own. */
const usual = process.env.TEST_SCOPE === 'node' ? 0.2 : 1;

/** Multiplies the iterations of tests that search for rare faults: `TEST_EFFORT=5 npm test` before a release. */
export const effort = Number(process.env.TEST_EFFORT ?? usual);
