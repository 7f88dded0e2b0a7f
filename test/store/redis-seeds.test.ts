// The list of active seeds may be long, and whoever asks for it must not hold up everybody else's Redis.

import { expect, test } from 'vitest';
import { seed } from '../contract/store.ts';
import { redisForFile } from '../support/redis.ts';
import { connectTo } from '../support/redis-client.ts';
import { openRedisStore } from './redis-support.ts';

const redis = redisForFile({ appendfsync: 'no' });
const ageMs = 60_000;

/** A store that tells how many seeds each answer of Redis had. */
async function openCounting() {
  const { redis: connection } = await connectTo(redis().url);
  const answers: number[] = [];
  const { store } = await openRedisStore(redis(), {
    now: undefined,
    seeds: { activeMs: ageMs, maxRegistered: 10_000 },
    redis: {
      ...connection,
      run: async (call) => {
        const reply = await connection.run(call);
        if (Array.isArray(reply)) answers.push(reply.filter((each) => String(each).startsWith('{')).length);
        return reply;
      },
    },
  });
  const pingAll = (count: number) =>
    Promise.all(Array.from({ length: count }, (_, n) => store.seeds.ping({ ...seed, imsi: `62401${n}` })));
  return { seeds: store.seeds, answers, pingAll };
}

test('a long list comes in parts, so that others have their turn', async () => {
  const { seeds, answers, pingAll } = await openCounting();
  await pingAll(3_500);
  expect(await seeds.active(ageMs)).toHaveLength(3_500);
  expect(Math.max(...answers)).toBeLessThanOrEqual(1_000);
});

test('many who ask at once share a list, and it has whatever was there when they asked', async () => {
  const { seeds, answers, pingAll } = await openCounting();
  await pingAll(1);
  const first = seeds.active(ageMs);
  await seeds.ping({ ...seed, imsi: 'late' });
  const others = await Promise.all(Array.from({ length: 50 }, () => seeds.active(ageMs)));
  for (const list of others) expect(list.map(({ imsi }) => imsi)).toContain('late');
  await first;
  expect(answers.filter((count) => count > 0).length).toBeLessThanOrEqual(3);
  // Of ages that differ, each gets its own.
  expect(await Promise.all([seeds.active(0), seeds.active(ageMs)])).toMatchObject([{}, { length: 2 }]);
});

test('a list that fails fails for those who share it, and for nobody after', async () => {
  const { seeds, pingAll } = await openCounting();
  await pingAll(1);
  await expect(seeds.active(ageMs + 1)).rejects.toMatchObject({ code: 'INTERNAL' });
  expect(await seeds.active(ageMs)).toHaveLength(1);
});
