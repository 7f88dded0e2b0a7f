// Many SMS through the real binary while the Publisher fails one in three and swob is killed with -9 several times.
// The Publisher here counts every call. docs/protocol.md, M5.

import { expect, onTestFinished, test } from 'vitest';
import { startDeveloperStub } from '../../src/stubs/developer.ts';
import { startPublisherStub } from '../../src/stubs/publisher.ts';
import { type RunningSwob, runSwob, startSwob } from '../support/binary.ts';
import { effort } from '../support/effort.ts';
import { patient } from '../support/patience.ts';
import { createPhone, handshakeUrlOf, openSession, pair, post } from '../support/phone.ts';
import { encryptAsApp } from '../support/sms.ts';
import { createInstallation, inspectStore, portOf } from './installation.ts';

const kills = 3 * effort;
const count = 100 * kills;
/** Concurrent gateway phones; each waits for the response and resubmits an SMS that got none. */
const clients = 8;
/** Waiting messages that swob sends concurrently. */
const retriedAtOnce = 16;
const msisdn = '+237650393369';

test(`${count} SMS arrive exactly once despite failing calls and kills`, async () => {
  const local = { host: '127.0.0.1', port: 0 };
  const publisher = await startPublisherStub({ ...local, fail: { failing: 1, of: 3 }, dedupe: false });
  const developer = await startDeveloperStub({ ...local, numbers: new Map([[msisdn, 'alice']]) });
  onTestFinished(async () => void (await Promise.all([publisher.close(), developer.close()])));
  const { folder, data } = await createInstallation({
    extra: [
      `[publisher]\nport = ${portOf(publisher.url)}\nmax_pause = 1s\nretries = 100\nretry_pause = 100ms`,
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
  const responses = { 200: 0, 202: 0 };
  /** Published at their first submission: they stay delivered whatever is killed later. */
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
          responses[status]++;
          if (status === 200 && sms.offered === 1) done.add(sms.n);
        } catch (error) {
          // No response, so the phone submits it again to the next process.
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
    // A phone that lost the response submits a delivered SMS again, and swob recognises it after every kill.
    const again = [...done]
      .slice(-20)
      .map((n) => post(`${swob.ready.gateway.url}/sms/platform/gateway-client`, bodies[n]));
    for (const { status } of await Promise.all(again)) expect(status).toBe(200);
  }
  expect(responses[200]).toBeGreaterThan(count / 3);
  expect(responses[202]).toBeGreaterThan(count / 6);

  const calls = () => publisher.messages();
  // An SMS that two successive kills have interrupted has an unknown outcome, and waits for an operator.
  const onGateway = async (...args: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await runSwob([...args, '--url', swob.ready.gateway.url], { cwd: folder });
    return stdout + stderr;
  };
  /** With what swob knows of them, which tells a lost message from a late one. */
  const missing = async (): Promise<readonly string[]> => {
    await onGateway('sms', 'retry', '--all');
    const published = new Set(calls().map(({ message }) => message));
    const left = messages.filter((message) => !published.has(message));
    return left.length === 0
      ? []
      : [...left, await onGateway('sms', 'list'), await onGateway('sms', 'failed')];
  };
  await expect.poll(missing, { interval: 500, timeout: patient(120_000) }).toEqual([]);
  swob.kill('SIGTERM');
  await swob.exit;

  // A Publisher that deduplicates by id gets each message exactly once: one id for each message.
  const byId = new Map(calls().map(({ id, message }) => [id, message]));
  expect([...byId.values()].sort()).toEqual([...messages].sort());
  // A Publisher that ignores the id may get twice only what was being sent at a kill.
  const copies = new Map<string, number>();
  for (const { message } of calls()) copies.set(message, (copies.get(message) ?? 0) + 1);
  for (const n of done) expect(copies.get(messages[n] ?? '')).toBe(1);
  expect(calls().length - count).toBeLessThanOrEqual(kills * (clients + retriedAtOnce));
  await inspectStore(data, async (store) => {
    // A message delivered just before a kill may wait for its next attempt, which finds it delivered.
    expect((await store.inbound.count()).deadLetters).toBe(0);
  });
});
