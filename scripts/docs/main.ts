// `npm run docs`: writes the generated files of the documentation from the source and from the built daemon.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { generatedFiles } from './pages.ts';
import { readServices } from './services.ts';

for (const [path, text] of Object.entries(await generatedFiles(await readServices()))) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  process.stdout.write(`${path}\n`);
}
