// Archives of a log file between two steps of their rotation.

import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createArchives } from '../../../src/app/logging/archives.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/folders.ts';

test('an archive that exists plain and compressed counts as one', async () => {
  const folder = temporaryFolder();
  const time = '20260802-140322';
  const names = [`1.${time}.log.gz`, `2.${time}.log.gz`, `3.${time}.log.gz`, `3.${time}.log`];
  for (const name of names) writeFileSync(join(folder, `gateway.00000${name}`), 'x');
  const archives = (maxCount: number) =>
    createArchives({
      folder,
      name: 'gateway',
      limits: { maxFileBytes: 1_024, maxCount, accumulatedBytes: 1_048_576, maxAgeMs: 86_400_000_000_000 },
      clock: createFakeClock(),
    });
  await archives(3).prune();
  expect(readdirSync(folder)).toHaveLength(4);
  await archives(1).prune();
  expect(readdirSync(folder).sort()).toEqual([`gateway.000003.${time}.log`, `gateway.000003.${time}.log.gz`]);
});
