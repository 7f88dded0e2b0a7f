// The list of active seeds may be long, and reading it must not block other clients of Redis.

import { expect, test } from 'vitest';
import { seed } from '../../contract/store.ts';
import { patient } from '../../support/patience.ts';
import { redisForFile } from '../../support/redis.ts';
import { connectTo } from '../../support/redis-client.ts';
import { openRedisStore } from './support.ts';

const redis = redisForFile({ appendfsync: 'no' });
const ageMs = 60_000;

/** A store that records how many seeds each reply of Redis had. */
async function openCounting() {
  const { redis: connection } = await connectTo(redis().url, { timeoutMs: patient(20_000) });
  const seedCounts: number[] = [];
  const { store } = await openRedisStore(redis(), {
    now: undefined,
    seeds: { activeMs: ageMs, maxRegistered: 10_000 },
    redis: {
      ...connection,
      run: async (call) => {
        const reply = await connection.run(call);
        if (Array.isArray(reply))
          seedCounts.push(reply.filter((each) => String(each).startsWith('{')).length);
        return reply;
      },
    },
  });
  const pingAll = (count: number) =>
    Promise.all(Array.from({ length: count }, (_, n) => store.seeds.ping({ ...seed, imsi: `62401${n}` })));
  return { seeds: store.seeds, seedCounts, pingAll };
}

test('reads a long list in pages, so that other clients are served in between', async () => {
  const { seeds, seedCounts, pingAll } = await openCounting();
  await pingAll(3_500);
  expect(await seeds.active(ageMs)).toHaveLength(3_500);
  expect(Math.max(...seedCounts)).toBeLessThanOrEqual(1_000);
});

test('concurrent reads share a list, which has everything that was there when they started', async () => {
  const { seeds, seedCounts, pingAll } = await openCounting();
  await pingAll(1);
  const first = seeds.active(ageMs);
  await seeds.ping({ ...seed, imsi: 'late' });
  const others = await Promise.all(Array.from({ length: 50 }, () => seeds.active(ageMs)));
  for (const list of others) expect(list.map(({ imsi }) => imsi)).toContain('late');
  await first;
  expect(seedCounts.filter((count) => count > 0).length).toBeLessThanOrEqual(3);
  // Reads of different ages are separate.
  expect(await Promise.all([seeds.active(0), seeds.active(ageMs)])).toMatchObject([{}, { length: 2 }]);
});

test('a failed read fails only the callers that share it', async () => {
  const { seeds, pingAll } = await openCounting();
  await pingAll(1);
  await expect(seeds.active(ageMs + 1)).rejects.toMatchObject({ code: 'INTERNAL' });
  expect(await seeds.active(ageMs)).toHaveLength(1);
});
