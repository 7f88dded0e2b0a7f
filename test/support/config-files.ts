// Configuration files of a test, in a folder of its own that goes with the test.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Writes a file and returns its path. */
export function configFile(text: string, name = 'conf.ini'): string {
  const folder = mkdtempSync(join(tmpdir(), 'swob-config-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}
