// Three gateways and three sync services on one Redis, while they and Redis are killed and cut off: every phone ends
// with a key, and the store has that key.

import { expect, test } from 'vitest';
import { createPhone } from '../support/phone.ts';
import { redisForFile } from '../support/redis.ts';
import { connectTo } from '../support/redis-client.ts';
import { killAndStart, type Paired, pairSomehow, startNodes } from './many-nodes-world.ts';

const redis = redisForFile({ appendfsync: 'always' });

const pairings = 500;
const atOnce = 16;
/** Pairings between two faults. */
const faultEvery = 20;

test('500 pairings while nodes and Redis are killed and cut off', { timeout: 240_000 }, async () => {
  const users = new Map(Array.from({ length: pairings }, (_, n) => [`user${n}`, `password ${n}`]));
  const world = await startNodes(redis().port, users);
  const done = new Map<string, Paired>();
  const faults = faultsOf(world);
  let underWay: Promise<void> = Promise.resolve();

  const waiting = [...users].values();
  const worker = async (): Promise<void> => {
    const phone = createPhone();
    for (const [userId, password] of waiting) {
      done.set(userId, await pairSomehow(world, userId, password, phone));
      if (done.size % faultEvery === 0) underWay = underWay.then(() => faults.next().value?.());
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  await underWay;

  expect(done.size).toBe(pairings);
  const { redis: connection } = await connectTo(redis().url);
  const keys = new Map<string, string>();
  for (const userId of users.keys()) {
    const text = await connection.run({ key: `swob:user:${userId}`, args: ['GET', `swob:user:${userId}`] });
    keys.set(userId, JSON.parse(String(text)).sharedKey);
  }
  expect(keys).toEqual(new Map([...done].map(([userId, { key }]) => [userId, key])));
  const sum = (count: (paired: Paired) => number) =>
    [...done.values()].reduce((total, paired) => total + count(paired), 0);
  // The faults were felt.
  expect(sum(({ reconnects }) => reconnects)).toBeGreaterThan(20);
  // And no page had to be opened a second time: a session is as good at another node.
  expect(sum(({ pages }) => pages)).toBe(pairings);
});

/** What goes wrong, one after the other; each is over when it resolves, but for a cut, which lasts until the next one. */
function* faultsOf({ nodes }: Awaited<ReturnType<typeof startNodes>>): Generator<() => Promise<void>> {
  for (let round = 0; ; round++) {
    const node = nodes[round % nodes.length];
    if (!node) return;
    yield () => killAndStart(node);
    yield async () => node.network.cut();
    yield async () => node.network.mend();
    if (round % 2 === 0) yield () => redis().restart();
  }
}
