// Parts of a long SMS that reach different gateways over one Redis.

import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { startPublisherStub } from '../../src/stubs/publisher.ts';
import { msisdn, startMessaging } from '../support/messaging.ts';
import { post } from '../support/phone.ts';
import { redisForFile } from '../support/redis.ts';
import { splitSms, versionedPayload, wrapped } from '../support/relay-payloads.ts';

const redis = redisForFile({ appendfsync: 'no' });
beforeEach(() => redis().flush());

test('are put together', async () => {
  const relay = await startPublisherStub({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => relay.close());
  const set = [`store.url=${redis().url}`, `relay.url=${relay.url}`];
  const first = await startMessaging({ set, names: ['gateway'] });
  const second = await startMessaging({ set, names: ['gateway'] });
  const text = wrapped(
    versionedPayload(3, { ciphertext: Buffer.alloc(300, 'ciphertext') }).toString('base64'),
  );
  const statuses = [];
  for (const [index, part] of splitSms(text).toReversed().entries()) {
    const { gateway } = index % 2 === 0 ? first : second;
    statuses.push((await post(`${gateway}/v3/publish`, { text: part, address: msisdn })).status);
  }
  expect(statuses).toEqual([202, 202, 200]);
  expect(relay.messages().map(({ message }) => message)).toEqual([text]);
});
