// Two gateways on one Redis relay the payloads of each sender in the order of their arrival, whichever gateway gets them.

import { expect, onTestFinished, test } from 'vitest';
import { startPublisherStub } from '../../src/stubs/publisher.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/folders.ts';
import { post } from '../support/phone.ts';
import { redisForFile } from '../support/redis.ts';
import { versionedPayload } from '../support/relay-payloads.ts';
import { startTestServices } from '../support/services.ts';

const redis = redisForFile({ appendfsync: 'no' });
const senders = ['+237650000001', '+237650000002', '+237650000003'];

test('payloads of a sender that reach different gateways keep their order', async () => {
  const relay = await startPublisherStub({
    host: '127.0.0.1',
    port: 0,
    fail: { failing: 1, of: 3 },
    dedupe: false,
  });
  onTestFinished(() => relay.close());
  const clock = createFakeClock();
  const folder = temporaryFolder();
  const start = () =>
    startTestServices({
      names: ['gateway'],
      folder,
      clock,
      set: [`store.url=${redis().url}`, `relay.url=${relay.url}`],
    });
  const gateways = [await start(), await start()];
  const payloadsOf = new Map(
    senders.map((sender) => [
      sender,
      Array.from({ length: 6 }, () => versionedPayload(1).toString('base64')),
    ]),
  );
  await Promise.all(
    [...payloadsOf].map(async ([sender, texts], first) => {
      for (const [n, text] of texts.entries()) {
        const { gateway = '' } = gateways[(first + n) % 2] ?? {};
        expect([200, 202]).toContain((await post(`${gateway}/v3/publish`, { text, address: sender })).status);
      }
    }),
  );
  await expect
    .poll(
      () => {
        clock.advance(2_000);
        return relay.messages().length;
      },
      { interval: 20, timeout: 30_000 },
    )
    .toBe(18);
  for (const [sender, texts] of payloadsOf) {
    const arrived = relay.messages().flatMap(({ MSISDN, message }) => (MSISDN === sender ? message : []));
    expect(arrived).toEqual(texts);
  }
});
