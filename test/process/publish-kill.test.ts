// 2,000 SMS through the real binary while the Publisher fails one in three and swob is killed with -9 ten times:
// each arrives once. Issue 4; HOSTILE.md M5.

import { expect, onTestFinished, test } from 'vitest';
import { startDeveloperStub } from '../../src/stubs/developer.ts';
import { startPublisherStub } from '../../src/stubs/publisher.ts';
import { type RunningSwob, startSwob } from '../support/binary.ts';
import { createPhone, handshakeUrlOf, openSession, pair, post } from '../support/phone.ts';
import { encryptAsApp } from '../support/sms.ts';
import { createWorld, inspectStore, portOf } from './world.ts';

const count = 2_000;
const kills = 10;
/** Gateway phones that post at once; each waits for its answer, and offers an SMS again that got none. */
const clients = 8;
const msisdn = '+237650393369';

test(`${count} SMS arrive once, whatever fails on the way`, { timeout: 240_000 }, async () => {
  const local = { host: '127.0.0.1', port: 0 };
  const publisher = await startPublisherStub({ ...local, fail: { failing: 1, of: 3 } });
  const developer = await startDeveloperStub({ ...local, numbers: new Map([[msisdn, 'alice']]) });
  onTestFinished(async () => void (await Promise.all([publisher.close(), developer.close()])));
  const { folder, data } = await createWorld({
    extra: [
      `[publisher]\nport = ${portOf(publisher.url)}\nmax_pause = 1s`,
      `[backend_publisher]\nport = ${portOf(developer.url)}`,
      '[limits]\nsms = off',
    ].join('\n'),
  });
  const start = (): Promise<RunningSwob<{ gateway: { url: string } }>> =>
    startSwob(['serve', 'gateway'], { cwd: folder });

  let swob = await start();
  const initUrl = await openSession(swob.ready.gateway.url, 'alice');
  const key = await pair(handshakeUrlOf(swob.ready.gateway.url, initUrl), createPhone(), 'correct horse');

  const messages = Array.from({ length: count }, (_, n) => `g:to@example.org:::no ${n} сообщение 📨:${n}`);
  const waiting = messages.map((message) => ({ text: encryptAsApp(key, message), MSISDN: msisdn }));
  const answers = { 200: 0, 202: 0 };
  const perRound = Math.floor(count / (kills + 1));
  for (let round = 0; round <= kills; round++) {
    const url = `${swob.ready.gateway.url}/sms/platform/gateway-client`;
    let left = round < kills ? perRound : Number.POSITIVE_INFINITY;
    const client = async (): Promise<void> => {
      while (left > 0) {
        const sms = waiting.shift();
        if (!sms) return;
        try {
          const { status, text } = await post(url, sms);
          if (status !== 200 && status !== 202) throw new Error(`${status} ${text}`);
          answers[status]++;
        } catch (error) {
          // No answer, so it is offered again: to the next process.
          waiting.push(sms);
          if (left > 0 || !String(error).includes('fetch failed')) throw error;
          return;
        }
        if (--left === 0) swob.kill('SIGKILL');
      }
    };
    await Promise.all(Array.from({ length: clients }, client));
    if (round === kills) break;
    expect(await swob.exit).toEqual({ code: null, signal: 'SIGKILL' });
    swob = await start();
  }
  expect(answers[200]).toBeGreaterThan(count / 3);
  expect(answers[202]).toBeGreaterThan(count / 6);

  await expect.poll(() => publisher.messages().length, { timeout: 60_000 }).toBe(count);
  swob.kill('SIGTERM');
  await swob.exit;
  expect(
    publisher
      .messages()
      .map(({ message }) => message)
      .sort(),
  ).toEqual([...messages].sort());
  await inspectStore(data, async (store) => {
    // One that arrived just before a kill may still wait for its next attempt, which finds that it has.
    expect((await store.inbound.count()).failed).toBe(0);
  });
});
