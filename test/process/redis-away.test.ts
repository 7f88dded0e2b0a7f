// Redis is killed, hangs and fails over: requests fail fast with a reason, open sockets stay, and swob recovers by
// itself.

import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { startPcrfStub } from '../../src/stubs/pcrf.ts';
import { patient } from '../support/patience.ts';
import { createPhone, get, handshakeUrlOf, openSession, pair, post, shakeHands } from '../support/phone.ts';
import { redisForFile } from '../support/redis.ts';
import { sentinelForFile } from '../support/redis-sentinel.ts';
import { redisNeeds } from '../support/redis-server.ts';
import { openSocket, type TestSocket } from '../support/socket.ts';
import { sharedByFile } from '../support/teardown.ts';
import { call, makeKeys, serveDisconnect } from './disconnect-service.ts';
import { startNodeCluster } from './node-cluster.ts';

const redis = redisForFile({ appendfsync: 'always' });
const sentinel = sentinelForFile();
const users = new Map([['alice', 'correct horse']]);
beforeEach(async () => {
  // Not restarted for nothing, as nodes that tests share would have to notice it.
  await redis()
    .call('ping')
    .catch(() => redis().restart());
  await redis().flush();
});
/** A node is ready again while a busy machine still delays a command of it for longer than `[store] timeout`. */
const heals = { interval: 100 };
const unreachable = expect.objectContaining({ ok: false, reason: 'unreachable' });

const newSession = (gateway: string): Promise<string> =>
  vi.waitFor(() => openSession(gateway, 'alice'), heals);
const openPageSocket = (sync: string, initUrl: string): Promise<TestSocket> =>
  vi.waitFor(() => openSocket(`${sync}${new URL(initUrl).pathname}`), heals);

/** Pairs with the code that the page shows at each attempt, as users do. @returns the shared key */
async function pairFrom(handshakeUrl: () => string, phone = createPhone()): Promise<string> {
  return vi.waitFor(() => pair(handshakeUrl(), phone, 'correct horse'), heals);
}

async function readiness(url: string): Promise<{ status: number; checks: Record<string, unknown> }> {
  const { status, text } = await get(`${url.replace(/^ws/, 'http')}/readyz`);
  return { status, checks: JSON.parse(text).checks };
}

describe('sockets stay open, and all services recover, after Redis', () => {
  const cluster = sharedByFile(
    () =>
      startNodeCluster(redis().port, users, {
        each: 1,
        set: ['sync.session_sleep_timeout=2s', 'sync.session_change_limit=100'],
      }),
    redisNeeds,
  );

  test.each(['is killed', 'hangs', 'is cut off'] as const)('%s', async (what) => {
    const { nodes } = cluster();
    const [gateway, sync] = nodes;
    if (!gateway || !sync) throw new Error('no nodes');
    // They reconnect after the restart of Redis; readiness may be a second old.
    const socket = await openPageSocket(sync.url, await newSession(gateway.url));
    const atGateway = (frame: string) => `${gateway.url}${new URL(JSON.parse(frame).qr_url).pathname}`;
    const first = atGateway(await socket.next());
    await post(`${gateway.url}/seeds/ping`, {
      IMSI: '624010000000001',
      MSISDN: '+237650393369',
      seed_type: 'seed',
    });

    if (what === 'is killed') await redis().kill();
    else if (what === 'hangs') redis().freeze();
    else for (const { network } of nodes) network.disconnect();
    onTestFinished(() => redis().thaw());

    await expect
      .poll(() => readiness(gateway.url), heals)
      .toMatchObject({ status: 503, checks: { store: unreachable } });
    await expect
      .poll(() => readiness(sync.url), heals)
      .toMatchObject({ status: 503, checks: { store: unreachable } });
    // Every request that needs Redis reports the outage, and none takes long.
    const requests = [
      () => openSession(gateway.url, 'alice'),
      () => pair(first, createPhone(), 'correct horse'),
    ];
    for (const request of requests) {
      const since = Date.now();
      await expect(request()).rejects.toThrow('503 the store cannot be reached now');
      expect(Date.now() - since).toBeLessThan(patient(20_000));
    }
    expect((await get(`${gateway.url}/seeds`)).status).toBe(503);
    await expect(openSocket(`${sync.url}/v2/sync/init/alice/${'0'.repeat(32)}`)).rejects.toThrow(
      'unexpected 503',
    );
    expect((await get(`${gateway.url}/livez`)).status).toBe(200);
    await socket.settled();
    expect(socket.raw.readyState).toBe(socket.raw.OPEN);

    if (what === 'is killed') await redis().restart();
    else if (what === 'hangs') redis().thaw();
    else for (const { network } of nodes) await network.reconnect();

    await expect.poll(() => readiness(gateway.url), heals).toMatchObject({ status: 200 });
    await expect.poll(() => readiness(sync.url), heals).toMatchObject({ status: 200 });
    await expect.poll(async () => (await get(`${gateway.url}/seeds`)).status, heals).toBe(200);
    // The same socket continues: its session survived the outage.
    while (socket.unread.length > 0) await socket.next();
    let shown = await socket.next();
    await pairFrom(() => {
      shown = socket.unread.findLast((frame) => frame.startsWith('{')) ?? shown;
      return atGateway(shown);
    });
    await expect.poll(() => socket.unread, heals).toEqual(expect.arrayContaining(['201- pause', '200- ack']));
    expect(await socket.closed).toEqual({ code: 1000, reason: 'paired' });
  });
});

/** The response to a page whose socket is refused: `503 too many connections`. */
function refusedUpgrade(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.on('error', reject);
    socket.on('unexpected-response', (_request, response) => {
      text(response).then((body) => resolve(`${response.statusCode} ${body}`), reject);
    });
  });
}

test.each(['is killed', 'hangs'] as const)(
  'while Redis %s, a disconnect service reports not ready, and every service stops in time',
  async (what) => {
    const pcrf = await startPcrfStub({ host: '127.0.0.1', port: 0 });
    onTestFinished(() => pcrf.close());
    const keys = await makeKeys();
    const disconnect = await serveDisconnect(keys, pcrf.url, [`store.url=${redis().url}`]);
    const { url } = disconnect.ready.disconnect;
    const { nodes } = await startNodeCluster(redis().port, users, { each: 1, set: ['store.timeout=3s'] });
    await expect
      .poll(() => readiness(url), heals)
      .toMatchObject({ status: 200, checks: { store: { ok: true } } });
    if (what === 'is killed') await redis().kill();
    else redis().freeze();
    onTestFinished(() => redis().thaw());
    const fail = 'the store cannot be reached now';
    expect(await call(url, keys.token())).toBe(
      `503 ${JSON.stringify({ success: false, fail, code: 'UNAVAILABLE' })}`,
    );
    const sync = nodes.find(({ role }) => role === 'sync')?.url ?? '';
    expect(await refusedUpgrade(`${sync}/v2/sync/init/alice/${'0'.repeat(32)}`)).toBe(`503 ${fail}`);
    await expect
      .poll(() => readiness(url), heals)
      .toMatchObject({ status: 503, checks: { store: unreachable } });
    const running = [disconnect, ...nodes.map((node) => node.process())];
    for (const each of running) each.kill('SIGTERM');
    for (const each of running) {
      expect(await each.exit).toEqual({ code: null, signal: 'SIGTERM' });
      expect(each.stderr()).not.toContain('by force');
    }
  },
);

test('a node that starts while Redis is down becomes ready when Redis is up', async () => {
  await redis().kill();
  onTestFinished(() => redis().restart());
  const { nodes } = await startNodeCluster(redis().port, users, { each: 1 });
  const [gateway, sync] = nodes;
  for (const node of [gateway, sync]) {
    await expect
      .poll(() => readiness(node?.url ?? ''), heals)
      .toMatchObject({ status: 503, checks: { store: unreachable } });
  }
  await redis().restart();
  for (const node of [gateway, sync]) {
    await expect.poll(() => readiness(node?.url ?? ''), heals).toMatchObject({ status: 200 });
  }
  const initUrl = await newSession(gateway?.url ?? '');
  const socket = await openPageSocket(sync?.url ?? '', initUrl);
  await socket.next();
  await pairFrom(() => handshakeUrlOf(gateway?.url ?? '', initUrl));
  expect([await socket.next(), await socket.next()]).toEqual(['201- pause', '200- ack']);
});

test('a replica replaces a killed master, and a pairing continues there', async () => {
  const set = [`store.url=${sentinel().url}`, 'store.replicas=1'];
  const { nodes } = await startNodeCluster(redis().port, users, { each: 1, set });
  const [gateway, sync] = nodes;
  if (!gateway || !sync) throw new Error('no nodes');
  const initUrl = await newSession(gateway.url);
  const socket = await openPageSocket(sync.url, initUrl);
  await socket.next();
  const phone = createPhone();
  await vi.waitFor(() => shakeHands(handshakeUrlOf(gateway.url, initUrl), phone), heals);
  expect(await socket.next()).toBe('201- pause');

  await (await sentinel().master()).kill();
  await expect
    .poll(() => readiness(gateway.url), { interval: 200 })
    .toMatchObject({ status: 503, checks: { store: { ok: false } } });
  // With a required replica, swob acknowledges nothing that only the new master has.
  await expect(pair(handshakeUrlOf(gateway.url, initUrl), phone, 'correct horse')).rejects.toThrow('503');
  await sentinel().repair();
  const key = await pairFrom(() => handshakeUrlOf(gateway.url, initUrl), phone);
  expect(key).toMatch(/^[0-9a-f]{32}$/);
  expect(await socket.next()).toBe('200- ack');
});
