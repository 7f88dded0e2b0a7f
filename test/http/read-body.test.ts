// Bodies in chunks of any size: joined as they come.

import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readBody } from '../../src/http/read-body.ts';

/** The result of a body in these chunks, and the most memory that was reserved. */
async function read(chunks: readonly Uint8Array[], { limit = 100_000, declared = -1, budget = 1e9 } = {}) {
  const stream = new PassThrough();
  let most = 0;
  const outcome = new Promise<Buffer | string | Error>((resolve) => {
    const grow = (bytes: number): Error | undefined => {
      most = Math.max(most, bytes);
      return bytes > budget ? new Error('the budget is exhausted') : undefined;
    };
    readBody(stream, { limit, declared: declared < 0 ? undefined : declared, grow }, resolve);
  });
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  return { outcome: await outcome, most: () => most };
}

test('any chunks give the same bytes, and no more memory than twice as much', async () => {
  const chunk = fc.uint8Array({ minLength: 1, maxLength: 3_000 });
  await fc.assert(
    fc.asyncProperty(fc.array(chunk, { maxLength: 30 }), fc.boolean(), async (chunks, declares) => {
      const complete = Buffer.concat(chunks);
      const { outcome, most } = await read(chunks, declares ? { declared: complete.length } : {});
      expect(outcome).toEqual(complete);
      expect(most()).toBeLessThanOrEqual(declares ? complete.length : Math.max(4_096, 2 * complete.length));
    }),
  );
});

test('too large, too many chunks, shorter than declared, over budget: each is reported once', async () => {
  const bytes = (count: number, of: number) => Array.from({ length: count }, () => new Uint8Array(of));
  expect((await read(bytes(11, 1_000), { limit: 10_000 })).outcome).toBe('too large');
  expect((await read(bytes(2_000, 1))).outcome).toBe('too many chunks');
  expect((await read(bytes(2_000, 20))).outcome).toHaveLength(40_000);
  expect((await read(bytes(1, 10), { declared: 11 })).outcome).toBe('incomplete');
  expect((await read(bytes(3, 5_000), { budget: 8_000 })).outcome).toEqual(
    new Error('the budget is exhausted'),
  );
});

test('a client that disconnects ends the reading', async () => {
  const stream = new PassThrough();
  const outcome = new Promise((resolve) =>
    readBody(stream, { limit: 10, declared: undefined, grow: () => undefined }, resolve),
  );
  stream.write('a');
  stream.destroy(new Error('aborted'));
  expect(await outcome).toBe('incomplete');
});
