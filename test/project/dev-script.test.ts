// `npm run dev` runs swob from source.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { runProcess } from '../support/binary.ts';

test('npm run dev runs commands without a build', async () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
  const [program, ...args] = String(scripts.dev).split(' ');
  expect(program).toBe('tsx');
  const tsx = resolve('node_modules/tsx/dist/cli.mjs');
  const { code, stdout } = await runProcess(process.execPath, [tsx, ...args, '--version'], {
    cwd: resolve('.'),
  });
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
});
