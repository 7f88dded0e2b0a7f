// `swob serve --workers 2`: what clients and operators see is one daemon. All tests share it, and the last one stops it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { runSwob } from '../support/binary.ts';
import { readMetrics } from '../support/prometheus.ts';
import { openSocket } from '../support/socket.ts';
import { sharedByFile } from '../support/teardown.ts';
import { pairOverWorkers, requestOnce, startWorkers } from '../support/workers.ts';
import { createInstallation, inspectStore, portOf } from './installation.ts';

const shared = sharedByFile(async () => {
  const installation = await createInstallation({
    // The seed that one test pings is still active in the last one.
    extra: '[logging]\nbase_dir = logs\nlevel = debug\n[limits]\npings = 6/1h\n[seeds]\nexpiry = 1h',
  });
  return { ...installation, swob: await startWorkers([], { cwd: installation.folder }) };
});

const ping = { IMSI: '123456789012345', MSISDN: '+237650000000', seed_type: 'seed' };

/** The workers that have answered requests with this id. */
const workersOf = (requestId: string): Set<number | undefined> =>
  new Set(
    shared()
      .swob.lines()
      .filter((line) => line.requestId === requestId)
      .map(({ worker }) => worker),
  );

test('all workers share one port for each service, which the ready file names', async () => {
  const { swob } = shared();
  const { gateway, sync } = swob.ready;
  expect(portOf(gateway.url)).not.toBe(portOf(sync.url));
  for (let count = 0; count < 4; count++)
    await requestOnce(`${gateway.url}/seeds`, { headers: { 'x-request-id': 'spread' } });
  await vi.waitFor(() => expect(workersOf('spread')).toEqual(new Set([1, 2])));
  expect(swob.stdout().match(/ ready at /g)).toHaveLength(2);
});

test('a session is opened, shown, taken and paired at different workers', async () => {
  const { swob } = shared();
  for (let round = 0; round < 3; round++)
    expect(await pairOverWorkers(swob.ready, `pairing-${round}`)).toMatch(/^[0-9a-f]{32}$/);
});

test('a limit holds over all workers', async () => {
  const { swob } = shared();
  const statuses: number[] = [];
  for (let count = 0; count < 8; count++) {
    const headers = { 'x-request-id': 'limited' };
    const { status } = await requestOnce(`${swob.ready.gateway.url}/seeds/ping`, { headers, body: ping });
    statuses.push(status);
  }
  expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 429, 429]);
  await vi.waitFor(() => expect(workersOf('limited')).toEqual(new Set([1, 2])));
});

test('each scrape has the sums of all workers, and the readiness those of each', async () => {
  const { swob } = shared();
  const gateway = swob.ready.gateway.url;
  const pages = [];
  for (let count = 0; count < 2; count++)
    pages.push(readMetrics((await requestOnce(`${gateway}/metrics`)).text));
  for (const page of pages) {
    const total = (name: string) =>
      page.filter((each) => each.name === name).reduce((sum, { value }) => sum + value, 0);
    expect(total('swob_workers')).toBe(2);
    expect(total('swob_build_info')).toBe(1);
    expect(page).toContainEqual({
      name: 'swob_pairings_total',
      labels: { outcome: 'paired' },
      value: 3,
    });
    expect(total('swob_http_requests_total')).toBeGreaterThanOrEqual(4 + 9 + 8);
  }
  // On a busy machine the primary may answer the check of the store too late.
  await vi.waitFor(async () => {
    const readiness = JSON.parse((await requestOnce(`${gateway}/readyz`)).text);
    expect(readiness).toMatchObject({ ready: true, checks: { store: { ok: true }, workers: { ok: true } } });
  });
  const status = await runSwob(['status', '--json', '--url', gateway], { cwd: shared().folder });
  expect(status.stdout).toContain('"workers"');
});

test('lines of all workers are in one file of each service, and say which worker wrote them', async () => {
  const { folder } = shared();
  const read = (name: string): { worker?: number; msg: string }[] =>
    readFileSync(join(folder, 'logs', name), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  await vi.waitFor(() => {
    expect(new Set(read('gateway.log').map(({ worker }) => worker))).toEqual(new Set([1, 2]));
    expect(read('swob.log').filter(({ msg }) => msg === 'a worker is ready')).toHaveLength(2);
  });
});

test('the console shows the workers, and the lines of all of them and of the primary', async () => {
  const { swob, data } = shared();
  const token = readFileSync(join(data, 'security', 'admin.token'), 'utf8').trim();
  const view = async (path: string) => {
    const headers = { authorization: `Bearer ${token}` };
    return JSON.parse((await requestOnce(`${swob.ready.gateway.url}/console/api/${path}`, { headers })).text);
  };
  // A worker learns of the others when they say that they are alive, every two seconds.
  await vi.waitFor(async () => {
    const { nodes } = await view('overview?range=10m');
    expect(nodes.map(({ name }: { name: string }) => name).sort()).toEqual(['worker 1', 'worker 2']);
  });
  await vi.waitFor(async () => {
    const { lines } = await view('log?level=info');
    const listening = lines.filter(({ message }: { message: string }) => message === 'listening');
    expect(new Set(listening.map(({ node }: { node: string }) => node))).toEqual(
      new Set(['worker 1', 'worker 2']),
    );
    expect(lines).toContainEqual(expect.objectContaining({ message: 'a worker is ready' }));
  });
});

test('a signal to the whole group stops them cleanly, and the store has everything', async () => {
  const { swob, data } = shared();
  const { gateway, sync } = swob.ready;
  const socket = await openSocket(`${sync.url}/v2/sync/init/bob/0123456789abcdef0123456789abcdef`);
  const [known] = JSON.parse((await requestOnce(`${gateway.url}/seeds`)).text);
  for (const pid of swob.pids()) process.kill(pid, 'SIGINT');
  swob.kill('SIGINT');
  expect((await socket.closed).code).toBe(1001);
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGINT' });
  expect(swob.lines().filter(({ level }) => level >= 40)).toEqual([]);
  const seed = await inspectStore(data, (store) => store.seeds.get(ping.IMSI));
  expect(seed?.lps).toBe(known.LPS);
  for (const pid of swob.pids()) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});
