// 2,000 SMS through the real binary while the Publisher fails one in three and swob is killed with -9 ten times.
// The Publisher here counts every call. HOSTILE.md M5.

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
/** Waiting messages that swob tries at once. */
const retriedAtOnce = 16;
const msisdn = '+237650393369';

test(`${count} SMS arrive once, whatever fails on the way`, { timeout: 240_000 }, async () => {
  const local = { host: '127.0.0.1', port: 0 };
  const publisher = await startPublisherStub({ ...local, fail: { failing: 1, of: 3 }, dedupe: false });
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
  const bodies = messages.map((message) => ({ text: encryptAsApp(key, message), MSISDN: msisdn }));
  const waiting = bodies.map((body, n) => ({ n, body, offered: 0 }));
  const answers = { 200: 0, 202: 0 };
  /** Published at their first offer: known to be done, whatever is killed after. */
  const done = new Set<number>();
  const perRound = Math.floor(count / (kills + 1));
  for (let round = 0; round <= kills; round++) {
    const url = `${swob.ready.gateway.url}/sms/platform/gateway-client`;
    let left = round < kills ? perRound : Number.POSITIVE_INFINITY;
    const client = async (): Promise<void> => {
      while (left > 0) {
        const sms = waiting.shift();
        if (!sms) return;
        try {
          sms.offered++;
          const { status, text } = await post(url, sms.body);
          if (status !== 200 && status !== 202) throw new Error(`${status} ${text}`);
          answers[status]++;
          if (status === 200 && sms.offered === 1) done.add(sms.n);
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
    // A phone that lost the answer offers again what is done: it is known, whatever was killed.
    const again = [...done]
      .slice(-20)
      .map((n) => post(`${swob.ready.gateway.url}/sms/platform/gateway-client`, bodies[n]));
    for (const { status } of await Promise.all(again)) expect(status).toBe(200);
  }
  expect(answers[200]).toBeGreaterThan(count / 3);
  expect(answers[202]).toBeGreaterThan(count / 6);

  const calls = () => publisher.messages();
  await expect
    .poll(() => new Set(calls().map(({ message }) => message)).size, { timeout: 60_000 })
    .toBe(count);
  swob.kill('SIGTERM');
  await swob.exit;

  // A Publisher that looks at the id gets each exactly once: there are as many ids as messages, one each.
  const byId = new Map(calls().map(({ id, message }) => [id, message]));
  expect([...byId.values()].sort()).toEqual([...messages].sort());
  // One that does not may get twice what was under way at a kill, and nothing else.
  const copies = new Map<string, number>();
  for (const { message } of calls()) copies.set(message, (copies.get(message) ?? 0) + 1);
  for (const n of done) expect(copies.get(messages[n] ?? '')).toBe(1);
  expect(calls().length - count).toBeLessThanOrEqual(kills * (clients + retriedAtOnce));
  await inspectStore(data, async (store) => {
    // One that arrived just before a kill may still wait for its next attempt, which finds that it has.
    expect((await store.inbound.count()).failed).toBe(0);
  });
});
