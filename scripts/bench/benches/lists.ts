// C2: GET /seeds with 1,000 active seeds that go on pinging, beside a server of node:http that sends the same bytes.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Pool } from 'undici';
import type { Bench } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { startServer } from '../environment.ts';
import { pings } from '../fixtures.ts';
import { compareHttp } from '../rounds.ts';

const seeds = 1_000;
/** Each seed pings every ten seconds, so a cached list is invalidated a hundred times a second. */
const pingEveryMs = 10;
/** A slower server gets fewer pings, instead of more and more that wait. */
const maxWaiting = 64;

export const listsBench: Bench = {
  id: 'C2',
  title: 'GET /seeds, 1,000 active seeds, each pinging every 10 s',
  run: async (environment) => {
    const daemon = await startDaemon(environment, ['gateway', 'sync']);
    const alive = await keepAlive(daemon.urls.gateway, seeds);
    const bytes = Buffer.from(await (await fetch(`${daemon.urls.gateway}/seeds`)).arrayBuffer());
    const file = join(await environment.folder(), 'seeds.json');
    await writeFile(file, bytes);
    const bare = await startServer(environment, 'server', 'ready-bytes', [file]);
    const requests = [{ method: 'GET', path: '/seeds' }] as const;
    const row = await compareHttp(
      environment,
      { name: 'C2 GET /seeds', target: { atLeast: 0.6 } },
      {
        ours: { server: daemon.child, load: () => ({ url: daemon.urls.gateway, requests }) },
        baseline: { server: bare.child, load: () => ({ url: bare.url, requests }) },
      },
    );
    const listed: unknown[] = JSON.parse(await (await fetch(`${daemon.urls.gateway}/seeds`)).text());
    const failures = [...(row.failures ?? []), ...alive.failures()];
    if (listed.length !== seeds) failures.push(`${listed.length} of ${seeds} seeds are active at the end`);
    await alive.stop();
    await Promise.all([daemon.child.stop(), bare.child.stop()]);
    return [{ ...row, failures, notes: { ...row.notes, bytes: bytes.length } }];
  },
};

/** Pings all seeds once, then one after another. */
export async function keepAlive(url: string, seeds: number) {
  const requests = pings(seeds);
  const pool = new Pool(url, { connections: 8, pipelining: 1 });
  let failed = 0;
  let next = 0;
  let waiting = 0;
  const ping = async (index: number): Promise<void> => {
    const { path = '', body = '' } = requests[index % seeds] ?? {};
    const headers = { 'content-type': 'application/json' };
    try {
      const answer = await pool.request({ method: 'POST', path, body, headers });
      await answer.body.dump();
      if (answer.statusCode !== 200) failed++;
    } catch {
      failed++;
    }
  };
  await Promise.all(requests.map((_, index) => ping(index)));
  const timer = setInterval(async () => {
    if (waiting >= maxWaiting) return;
    waiting++;
    await ping(next++);
    waiting--;
  }, pingEveryMs);
  return {
    failures: () => (failed > 0 ? [`${failed} pings failed`] : []),
    stop: async () => {
      clearInterval(timer);
      await pool.close();
    },
  };
}
