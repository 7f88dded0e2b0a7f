// lps.json has the LPS of the seeds of the last write, whichever it had before.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { verifyChecksum } from '../../../src/store/lowdb/checksum.ts';
import { contentBytes } from '../../../src/store/lowdb/content.ts';
import { createLpsEncoder } from '../../../src/store/lowdb/lps-file.ts';

/** Seeds that ping again are other objects. */
const seeds = Array.from({ length: 12 }, (_, n) => ({ imsi: `62401${n % 6}`, lps: 1_700_000_000 + n / 4 }));

test('for any sequence of seeds, the content has those of the last write, in their order', async () => {
  const list = fc.uniqueArray(fc.constantFrom(...seeds), { selector: ({ imsi }) => imsi });
  await fc.assert(
    fc.asyncProperty(fc.array(list), async (lists) => {
      const encode = createLpsEncoder();
      for (const [journal, each] of lists.entries()) {
        const text = contentBytes(await encode(each, journal)).toString();
        const pairs = each.map(({ imsi, lps }) => `"${imsi}":${lps}`);
        expect(verifyChecksum(text)).toBe(`{"journal":${journal},"lps":{${pairs.join(',')}}}`);
      }
    }),
  );
});

test('many seeds are in several chunks, between which the event loop runs', async () => {
  const many = Array.from({ length: 20_000 }, (_, n) => ({
    imsi: String(n).padStart(15, '0'),
    lps: n / 1_000,
  }));
  const chunks = [...(await createLpsEncoder()(many, 7))];
  expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThanOrEqual(256 * 1_024);
  const { journal, lps } = JSON.parse(verifyChecksum(contentBytes(chunks).toString()) ?? '');
  expect(journal).toBe(7);
  expect(Object.entries(lps)).toEqual(many.map(({ imsi, lps }) => [imsi, lps]));
});
