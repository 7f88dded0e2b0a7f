// Payloads of several senders through the real binary while the RelaySMS Publisher fails one in three and swob is killed with -9:
// each arrives unchanged, in the order of its sender. No developer API, back end or pairing is there.

import { expect, onTestFinished, test } from 'vitest';
import { startPublisherStub } from '../../src/stubs/publisher.ts';
import { type RunningSwob, startSwob } from '../support/binary.ts';
import { effort } from '../support/effort.ts';
import { post } from '../support/phone.ts';
import { versionedPayload } from '../support/relay-payloads.ts';
import { createInstallation, inspectStore } from './installation.ts';

const kills = 2 * effort;
const senders = Array.from({ length: 6 }, (_, n) => `+23765000000${n}`);
const perSender = 6 * (kills + 1);

test('payloads arrive unchanged and in order despite failing calls and kills', async () => {
  const relay = await startPublisherStub({
    host: '127.0.0.1',
    port: 0,
    fail: { failing: 1, of: 3 },
    dedupe: false,
  });
  onTestFinished(() => relay.close());
  const { folder, data } = await createInstallation({
    extra: `[relay]\nurl = ${relay.url}\n[publisher]\nmax_pause = 200ms`,
  });
  const start = (): Promise<RunningSwob<{ gateway: { url: string } }>> =>
    startSwob(['serve', 'gateway'], { cwd: folder });
  let swob = await start();
  const payloadsOf = new Map(
    senders.map((sender) => [
      sender,
      Array.from({ length: perSender }, () => versionedPayload(2).toString('base64')),
    ]),
  );
  const sentOf = new Map(senders.map((sender) => [sender, 0]));

  /** Like a gateway phone, which submits an SMS again that got no response. */
  const submit = async (sender: string, url: string, upTo: number): Promise<void> => {
    const texts = payloadsOf.get(sender) ?? [];
    for (let next = sentOf.get(sender) ?? 0; next < upTo; next++) {
      const response = await post(url, { text: texts[next], MSISDN: sender }).catch(() => undefined);
      if (!response) return;
      expect([200, 202]).toContain(response.status);
      sentOf.set(sender, next + 1);
    }
  };
  for (let round = 0; round <= kills; round++) {
    const url = `${swob.ready.gateway.url}/sms/platform/gateway-client`;
    const submitted = senders.map((sender, n) => {
      // The first sender is ahead of the others, so that the kill comes while they submit.
      const work = submit(sender, url, (round + 1) * (perSender / (kills + 1)));
      return n === 0 && round < kills ? work.then(() => swob.kill('SIGKILL')) : work;
    });
    await Promise.all(submitted);
    if (round === kills) break;
    expect(await swob.exit).toEqual({ code: null, signal: 'SIGKILL' });
    swob = await start();
  }

  const arrivedOf = (sender: string) =>
    relay.messages().flatMap(({ MSISDN, message }) => (MSISDN === sender ? message : []));
  await expect
    .poll(() => senders.map((sender) => new Set(arrivedOf(sender)).size), { timeout: 30_000 })
    .toEqual(senders.map(() => perSender));
  swob.kill('SIGTERM');
  await swob.exit;
  let repeated = 0;
  for (const sender of senders) {
    const arrived = arrivedOf(sender);
    expect([...new Set(arrived)]).toEqual(payloadsOf.get(sender));
    // Only what was on its way at a kill comes again, directly after itself.
    expect(arrived.filter((text, n) => text !== arrived[n - 1])).toEqual(payloadsOf.get(sender));
    repeated += arrived.length - perSender;
  }
  expect(repeated).toBeLessThanOrEqual(kills * senders.length);
  await inspectStore(data, async (store) => {
    expect(await store.inbound.count()).toEqual({ waiting: 0, deadLetters: 0 });
  });
});
