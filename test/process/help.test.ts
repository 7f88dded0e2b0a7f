// The help of the built command, whose bundle replaces parts of commander and chalk.

import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { runProcess, swobScript } from '../support/binary.ts';

test.each([[['--help']], [['seeds', 'list', '--help']]])('swob %j prints its usage', async (args) => {
  const { code, stdout, stderr } = await runProcess(process.execPath, [swobScript, ...args], {
    cwd: resolve('.'),
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^Usage: swob /);
});
