// Three gateways and three sync services on one Redis, while they and Redis are killed and disconnected: every phone
// gets a key, and the store has that key.

import { expect, test } from 'vitest';
import { effort } from '../support/effort.ts';
import { createPhone } from '../support/phone.ts';
import { redisForFile } from '../support/redis.ts';
import { connectTo } from '../support/redis-client.ts';
import { killAndStart, type PairingResult, pairWithRetries, startNodeCluster } from './node-cluster.ts';

const redis = redisForFile({ appendfsync: 'always' });

const pairings = 100 * effort;
const atOnce = 16;
/** Pairings between two faults. */
const faultEvery = 8;

test(`${pairings} pairings succeed while nodes and Redis are killed and disconnected`, async () => {
  const users = new Map(Array.from({ length: pairings }, (_, n) => [`user${n}`, `password ${n}`]));
  const cluster = await startNodeCluster(redis().port, users);
  const done = new Map<string, PairingResult>();
  const faults = faultsOf(cluster);
  let underWay: Promise<void> = Promise.resolve();
  let before = underWay;

  const waiting = [...users].values();
  const worker = async (): Promise<void> => {
    const phone = createPhone();
    for (const [userId, password] of waiting) {
      // Fast nodes would be done with all pairings before the third fault.
      await before;
      done.set(userId, await pairWithRetries(cluster, userId, password, phone));
      if (done.size % faultEvery !== 0) continue;
      before = underWay;
      underWay = underWay.then(() => faults.next().value?.());
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
  const sum = (count: (paired: PairingResult) => number) =>
    [...done.values()].reduce((total, paired) => total + count(paired), 0);
  // The faults affected requests.
  expect(sum(({ reconnects }) => reconnects)).toBeGreaterThan(3 * effort);
  // No page had to be opened twice, because a session works at every node.
  expect(sum(({ pages }) => pages)).toBe(pairings);
});

/** The injected faults, in order; each ends when it resolves, except a disconnection, which lasts until the next. */
function* faultsOf({ nodes }: Awaited<ReturnType<typeof startNodeCluster>>): Generator<() => Promise<void>> {
  for (let round = 0; ; round++) {
    const node = nodes[round % nodes.length];
    if (!node) return;
    yield () => killAndStart(node);
    yield async () => node.network.disconnect();
    yield async () => node.network.reconnect();
    if (round % 2 === 0) yield () => redis().restart();
  }
}
