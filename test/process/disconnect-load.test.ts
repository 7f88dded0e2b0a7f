// 1,000 users at once and a pool of 20, with a PCRF that is slow, dies, and comes back: right answers, no
// restart, and no socket that stays.

import { readdir } from 'node:fs/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startPcrfStub } from '../../src/stubs/pcrf.ts';
import { needs } from '../support/needs.ts';
import { call, makeKeys, serveDisconnect } from './disconnect-world.ts';
import { portOf } from './world.ts';

const success = '200 {"success":true}';

/** How many of each answer. */
function tally(answers: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  return counts;
}

test('1,000 calls at once at a PCRF that is slow, dead, and alive again', async (context) => {
  // For /proc.
  needs(context, { loopbackNetwork: true });
  const start = async (port: number) => {
    const stub = await startPcrfStub({ host: '127.0.0.1', port });
    onTestFinished(() => stub.close());
    return stub;
  };
  const keys = await makeKeys();
  const slow = await start(0);
  const port = portOf(slow.url);
  const { ready, pid, stderr } = await serveDisconnect(keys, slow.url, ['pcrf.pool.max=20']);
  const { url } = ready.disconnect;
  const tokens = Array.from({ length: 1_000 }, (_, index) => keys.token({ sessionId: `${index}` }));
  const callAll = async () => tally(await Promise.all(tokens.map((token) => call(url, token))));
  const openFiles = async (): Promise<number> => (await readdir(`/proc/${pid}/fd`)).length;
  const fail = (status: number, words: string): string => `${status} {"success":false,"fail":"${words}"}`;
  const name = `the PCRF at 127.0.0.1:${port}`;

  expect(await call(url, keys.token())).toBe(success);
  const before = await openFiles();

  // 20 at a time, each 1.5 s: most of them wait for longer than the 5 s that a connection may take.
  slow.setBehaviour('slow', { ms: 1_500 });
  const asked = slow.requests().length;
  const late = await callAll();
  const served = late.get(success) ?? 0;
  const busy = fail(503, 'all 20 PCRF connections are busy; try again in a moment');
  expect([...late.keys()].sort()).toEqual([success, busy]);
  expect(served).toBeGreaterThanOrEqual(20);
  expect([served + (late.get(busy) ?? 0), slow.requests().length - asked]).toEqual([1_000, served]);

  // Killed in the middle of the first 20 calls.
  slow.setBehaviour('hang');
  const inTheMiddle = slow.requests().length + 20;
  const interrupted = callAll();
  await vi.waitFor(() => expect(slow.requests().length).toBe(inTheMiddle), { timeout: 20_000 });
  await slow.close();
  const unreachable = fail(502, `${name} is unreachable (ECONNREFUSED)`);
  const broken = [...(await interrupted)].filter(([answer]) => answer !== unreachable);
  expect(broken.every(([answer]) => answer.startsWith(`502 {"success":false,"fail":"${name} broke`))).toBe(
    true,
  );
  expect(broken.reduce((sum, [, count]) => sum + count, 0)).toBe(20);
  expect(await callAll()).toEqual(new Map([[unreachable, 1_000]]));

  const alive = await start(port);
  expect(await callAll()).toEqual(new Map([[success, 1_000]]));
  const sessions = alive.requests().map(({ query }) => query[0]?.[1]);
  expect(new Set(sessions).size).toBe(1_000);
  expect(sessions).toHaveLength(1_000);

  // Connections that have nothing to do are closed after 4 s.
  await vi.waitFor(async () => expect(await openFiles()).toBeLessThanOrEqual(before), {
    timeout: 20_000,
    interval: 200,
  });
  expect(stderr()).not.toContain('"level":50');
}, 90_000);
