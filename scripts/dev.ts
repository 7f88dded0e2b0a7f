// Runs swob from source, without a build: `npm run dev -- serve`.

import { main } from '../src/cli/main.ts';

await main(process.argv.slice(2));
