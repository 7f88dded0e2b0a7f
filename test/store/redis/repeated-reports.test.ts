// What phones and developers repeat after a 503 is acknowledged once the replicas of Redis have the change.

import { expect, test } from 'vitest';
import { createMessageLog } from '../../../src/domain/outgoing/message-log.ts';
import { createTracking } from '../../../src/domain/outgoing/tracking.ts';
import { SwobError } from '../../../src/errors.ts';
import { createMemoryLog } from '../../support/log.ts';
import { messageOf } from '../../support/outgoing-messages.ts';
import { redisForFile } from '../../support/redis.ts';
import { connectTo } from '../../support/redis-client.ts';
import { openRedisStore } from './support.ts';

const redis = redisForFile({ appendfsync: 'no' });
const tooFew = new SwobError('UNAVAILABLE', '0 of 1 replicas have it');

async function openTracking() {
  const { redis: connection } = await connectTo(redis().url);
  const replica = { hangs: false };
  const { store, clock } = await openRedisStore(redis(), {
    redis: {
      ...connection,
      durable: async (call) => {
        const reply = await connection.durable(call);
        if (replica.hangs) throw tooFew;
        return reply;
      },
    },
  });
  const messages = createMessageLog({
    ...{ store: store.messages, clock, log: createMemoryLog(), reportGraceMs: 60_000 },
    newId: () => '1',
    callbacks: { addState: async () => true },
  });
  const tracking = createTracking({
    ...{ store: store.messages, messages, waiting: undefined },
    developers: { authenticate: async () => {} },
    limits: { countAddress: async () => {}, countDeveloper: async () => {} },
  });
  return { store, clock, replica, tracking };
}

test('the report of a phone', async () => {
  const { store, clock, replica, tracking } = await openTracking();
  const message = messageOf(clock.now(), { handover: 'accepted' });
  await store.messages.add([message]);
  const report = () => tracking.report(message.authId, [message.id], { status: 'sent' });
  replica.hangs = true;
  for (let n = 0; n < 3; n++) await expect(report()).rejects.toBe(tooFew);
  replica.hangs = false;
  expect(await report()).toBe(true);
});

test('the cancellation by a developer', async () => {
  const { store, clock, replica, tracking } = await openTracking();
  const message = messageOf(clock.now(), { handover: 'pending' });
  await store.messages.add([message]);
  replica.hangs = true;
  for (let n = 0; n < 3; n++) await expect(tracking.cancel([message])).rejects.toBe(tooFew);
  replica.hangs = false;
  expect(await tracking.cancel([message])).toMatchObject([{ kind: 'cancelled' }]);
});
