// `swob playground run` in the process of the test; test/process/playground.test.ts has the binary.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../../src/app/system-clock.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import { createCli } from '../../harness.ts';

test('a signal that comes while the playground starts keeps the command from being run', async () => {
  const file = join(temporaryFolder(), 'run');
  const cli = createCli({ clock: systemClock, env: { PATH: process.env.PATH ?? '' } });
  const ended = cli.swob('playground', 'run', '--', 'touch', file);
  await new Promise((resolve) => cli.signals.once('newListener', resolve));
  cli.signals.emit('SIGTERM');
  expect(await ended).toBe(143);
  expect(existsSync(file)).toBe(false);
});

test('a configuration file is ignored, and the playground says so', async () => {
  const cli = createCli({ clock: systemClock, env: { PATH: process.env.PATH ?? '' } });
  expect(await cli.swob('-c', '/nowhere.ini', 'playground', 'run', '--', 'true')).toBe(0);
  expect(cli.err.text).toContain('-c is ignored: a playground writes its own configuration');
});
