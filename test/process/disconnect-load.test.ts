// 1,000 concurrent users and a pool of 20, with a PCRF that is slow, crashes and recovers: correct responses, no
// restart, and no leaked socket.

import { readdir } from 'node:fs/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startPcrfStub } from '../../src/stubs/pcrf.ts';
import { needs } from '../support/needs.ts';
import { call, makeKeys, serveDisconnect } from './disconnect-service.ts';
import { portOf } from './installation.ts';

const success = '200 {"success":true}';

/** Number of responses of each kind. */
function tally(responses: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const response of responses) counts.set(response, (counts.get(response) ?? 0) + 1);
  return counts;
}

test('responds correctly to 1,000 concurrent calls while the PCRF is slow, down and up again', async (context) => {
  // Reads /proc.
  needs(context, { loopbackNetwork: true });
  const start = async (port: number) => {
    const stub = await startPcrfStub({ host: '127.0.0.1', port });
    onTestFinished(() => stub.close());
    return stub;
  };
  const keys = await makeKeys();
  const slow = await start(0);
  const port = portOf(slow.url);
  const { ready, pid, stderr } = await serveDisconnect(keys, slow.url, [
    'pcrf.pool.max=20',
    'pcrf.timeout=5m',
    'api.request_timeout=5m',
  ]);
  const { url } = ready.disconnect;
  const tokens = Array.from({ length: 1_000 }, (_, index) => keys.token({ sessionId: `${index}` }));
  const callAll = async () => tally(await Promise.all(tokens.map((token) => call(url, token))));
  const openFiles = async (): Promise<number> => (await readdir(`/proc/${pid}/fd`)).length;
  const fail = (status: number, words: string, code = 'UPSTREAM'): string =>
    `${status} ${JSON.stringify({ success: false, fail: words, code })}`;
  const name = `the PCRF at 127.0.0.1:${port}`;

  expect(await call(url, keys.token())).toBe(success);
  const before = await openFiles();

  // 20 at a time, 1.5 s each: most wait longer than the 5 s within which a connection must be available.
  slow.setMode('slow', { ms: 1_500 });
  const callsBefore = slow.requests().length;
  const late = await callAll();
  const served = late.get(success) ?? 0;
  const busy = fail(503, 'all 20 PCRF connections are busy; try again in a moment', 'BUSY');
  expect([...late.keys()].sort()).toEqual([success, busy]);
  expect(served).toBeGreaterThanOrEqual(20);
  expect([served + (late.get(busy) ?? 0), slow.requests().length - callsBefore]).toEqual([1_000, served]);

  // The PCRF is killed during the first 20 calls.
  slow.setMode('hang');
  const inTheMiddle = slow.requests().length + 20;
  const interrupted = callAll();
  await vi.waitFor(() => expect(slow.requests().length).toBe(inTheMiddle), { timeout: 60_000 });
  await slow.close();
  const unreachable = fail(502, `${name} is unreachable (ECONNREFUSED)`);
  // A busy machine may need more than the 5 s for the first 20 calls.
  const broken = [...(await interrupted)].filter(([answer]) => answer !== unreachable && answer !== busy);
  for (const [answer] of broken)
    expect(answer).toContain(`502 {"success":false,"fail":"${name} closed the connection`);
  expect(broken.reduce((sum, [, count]) => sum + count, 0)).toBe(20);
  // On a busy machine too the last of the calls may wait longer than 5 s.
  expect([...(await callAll()).keys()].filter((answer) => answer !== busy)).toEqual([unreachable]);

  const alive = await start(port);
  let waiting = tokens;
  while (waiting.length > 0) {
    const answers = await Promise.all(waiting.map((token) => call(url, token)));
    expect(new Set(answers.filter((answer) => answer !== busy))).toEqual(new Set([success]));
    waiting = waiting.filter((_, index) => answers[index] === busy);
  }
  const sessions = alive.requests().map(({ query }) => query[0]?.[1]);
  expect(new Set(sessions).size).toBe(1_000);
  expect(sessions).toHaveLength(1_000);

  // Idle connections are closed after 4 s.
  await vi.waitFor(async () => expect(await openFiles()).toBeLessThanOrEqual(before), {
    timeout: 60_000,
    interval: 200,
  });
  expect(stderr()).not.toContain('"level":50');
});
