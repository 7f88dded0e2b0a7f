// Runs before every file of tests; named by vitest.config.ts.

import fc from 'fast-check';
import './patience.ts';

// Under CI property tests draw the same cases each time, so that a red run speaks of the change and not of the dice;
// elsewhere each run draws new ones.
if (process.env.CI) fc.configureGlobal({ seed: 20_261_121 });
