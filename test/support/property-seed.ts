// Under CI property tests draw the same cases each time, so that a red run speaks of the change and not of the
// dice; elsewhere each run draws new ones. Loaded by vitest.config.ts before every test file.

import fc from 'fast-check';

if (process.env.CI) fc.configureGlobal({ seed: 20_261_121 });
