// The files of confs/balancer with a real HAProxy and nginx in front of three real nodes and a real Redis: who is where
// does not matter, nodes may stop, be killed and come back, clients keep their addresses. docs/many-machines.md says so.

import { request } from 'node:https';
import { beforeEach, expect, test, vi } from 'vitest';
import { prepareHaproxy } from '../support/haproxy.ts';
import { needs } from '../support/needs.ts';
import { prepareNginx } from '../support/nginx.ts';
import { openPage } from '../support/page.ts';
import { createPhone, get, openSession, pair, post, shakeHands } from '../support/phone.ts';
import { redisForFile } from '../support/redis.ts';
import { type ManyNodes, type ManyNodesOptions, password, startManyNodes } from './balanced-nodes.ts';

const redis = redisForFile();
beforeEach(async (context) => {
  needs(context, { command: 'haproxy' }, { command: 'nginx' });
  await redis().flush();
});

const balancers: readonly { name: string; prepare: ManyNodesOptions['prepare'] }[] = [
  { name: 'HAProxy', prepare: prepareHaproxy },
  { name: 'nginx', prepare: prepareNginx },
];
const phone = createPhone();
/** More than are paired: each pairs once. */
const userIds = Array.from({ length: 5_000 }, (_, index) => `user-${index}`);
const pairedAtOnce = 6;
/** All clients are on one address here. */
const busy = ['limits.sessions=100000/1m', 'limits.passwords=1000/1m'];
/** The same QR code for longer than a test takes. */
const still = 'sync.session_sleep_timeout=5m';

const sessionOf = (qrUrl: string): string => new URL(qrUrl).pathname.split('/')[6] ?? '';

/** A page and a phone, each asking once: what fails is a failed pairing. */
async function pairOnce(gateway: string, userId: string): Promise<void> {
  const page = openPage(await openSession(gateway, userId));
  await pair(await page.shows(), phone, password);
  await page.paired;
}

/** Requests for a route that the node has answered. */
async function answered(url: string, method: string, route: string): Promise<number> {
  const { text } = await get(`${url}/metrics`);
  const labels = `{service="gateway",method="${method}",route="${route}"}`;
  const line = text.split('\n').find((each) => each.includes(`_duration_seconds_count${labels}`));
  return Number(line?.split(' ')[1] ?? 0);
}

test('session, socket, handshake and password on different nodes', async () => {
  const { gateway, nodes, balancer, whole } = await startManyNodes({
    prepare: prepareHaproxy,
    store: redis().url,
    userIds,
  });
  const only = async (backend: 'gateway' | 'sync', name: string): Promise<void> => {
    for (const each of nodes) {
      const state = each.name === name ? 'ready' : 'drain';
      await balancer.tell(`set server ${backend}/${each.name} state ${state}`);
    }
    await balancer.serves(backend, [name]);
  };
  await only('gateway', 'node1');
  await only('sync', 'node2');
  const page = openPage(await openSession(gateway, 'user-0'));
  const qrUrl = await page.shows();
  await only('gateway', 'node3');
  await shakeHands(qrUrl, phone);
  await page.paused();
  await only('gateway', 'node2');
  await pair(qrUrl, phone, password);
  await page.paired;
  const session = '/v2/sync/users/:userId/sessions/:sessionId';
  const counts = nodes.map(async ({ url }) => [
    await answered(url, 'GET', '/v2/sync/users/:userId'),
    await answered(url, 'POST', `${session}/handshake`),
    await answered(url, 'POST', session),
  ]);
  expect(await Promise.all(counts)).toEqual([
    [1, 0, 0],
    [0, 1, 1],
    [0, 1, 0],
  ]);
  for (const { name } of nodes) {
    await balancer.tell(`set server gateway/${name} state ready`);
    await balancer.tell(`set server sync/${name} state ready`);
  }
  await whole();
});

/** Pairs one user after the other, some at once, until it is stopped; `failures` is what went wrong. */
function pairInLoops(gateway: string, users: readonly string[]) {
  const rest = users.values();
  const failures: unknown[] = [];
  let pairings = 0;
  let isOver = false;
  const loop = async (): Promise<void> => {
    for (const userId of rest) {
      if (isOver) return;
      try {
        await pairOnce(gateway, userId);
        pairings += 1;
      } catch (error) {
        failures.push(error);
        return;
      }
    }
  };
  const loops = Array.from({ length: pairedAtOnce }, loop);
  return {
    failures,
    pairings: () => pairings,
    more: async (count: number): Promise<void> => {
      const wanted = pairings + count;
      await vi.waitFor(
        () => {
          if (failures.length === 0 && pairings < wanted)
            throw new Error(`${pairings} of ${wanted} pairings`);
        },
        { timeout: 30_000, interval: 50 },
      );
    },
    stop: async (): Promise<void> => {
      isOver = true;
      await Promise.all(loops);
    },
  };
}

/** Pages that stay open while nodes go; with the QR URL that each shows. */
async function openPages({ gateway }: ManyNodes, users: readonly string[]) {
  const pages = users.map(async (userId) => {
    const page = openPage(await openSession(gateway, userId));
    return { page, qrUrl: await page.shows() };
  });
  return Promise.all(pages);
}

test.for(balancers)(
  'a rolling restart under load fails no pairing, pages go on with their sessions: $name',
  {
    timeout: 120_000,
  },
  async ({ prepare }) => {
    const many = await startManyNodes({ prepare, store: redis().url, userIds, set: [...busy, still] });
    const open = await openPages(many, userIds.slice(0, 6));
    const load = pairInLoops(many.gateway, userIds.slice(6));
    await load.more(10);
    for (const node of many.nodes) {
      await node.end('SIGTERM');
      await load.more(5);
      await node.start();
      await many.whole();
      await load.more(5);
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(load.pairings()).toBeGreaterThanOrEqual(40);
    // Every node has stopped, and so every page has lost its socket.
    for (const { page, qrUrl } of open) {
      expect(page.ends).toContain(1001);
      expect(await page.shows()).toBe(qrUrl);
      await pair(qrUrl, phone, password);
      await page.paired;
    }
  },
);

test.for(balancers)(
  'pages whose node is killed finish with the same session, no pairing fails: $name',
  {
    timeout: 120_000,
  },
  async ({ prepare }) => {
    const many = await startManyNodes({ prepare, store: redis().url, userIds, set: [...busy, still] });
    const open = await openPages(many, userIds.slice(0, 6));
    const scanned = open.slice(0, 3);
    for (const { page, qrUrl } of scanned) {
      await shakeHands(qrUrl, phone);
      await page.paused();
    }
    const load = pairInLoops(many.gateway, userIds.slice(6));
    await load.more(10);
    for (const node of many.nodes.slice(0, 2)) {
      await node.end('SIGKILL');
      await load.more(10);
      await node.start();
      await many.whole();
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(open.filter(({ page }) => page.ends.length > 0)).not.toEqual([]);
    for (const { page, qrUrl } of open) {
      expect(sessionOf(await page.shows())).toBe(sessionOf(qrUrl));
      await pair(qrUrl, phone, password);
      await page.paired;
    }
  },
);

/** A new session for a client at `localAddress`; the status of the answer. */
function sessionFrom(gateway: string, userId: string, localAddress: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const url = `${gateway}/v2/sync/users/${userId}`;
    // What a client says of itself.
    const headers = { 'x-forwarded-for': '203.0.113.7', forwarded: 'for=203.0.113.8' };
    const asked = request(url, { localAddress, headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.once('error', reject).end();
  });
}

test.for(balancers)(
  'limits count clients by their own addresses, over all nodes: $name',
  async ({ prepare }, context) => {
    needs(context, { loopbackNetwork: true });
    const { gateway } = await startManyNodes({
      prepare,
      store: redis().url,
      userIds,
      set: ['limits.sessions=3/1m'],
    });
    const statuses = async (address: string, users: readonly string[]): Promise<number[]> => {
      const found: number[] = [];
      for (const userId of users) found.push(await sessionFrom(gateway, userId, address));
      return found;
    };
    expect(await statuses('127.0.0.2', userIds.slice(0, 5))).toEqual([200, 200, 200, 429, 429]);
    expect(await statuses('127.0.0.3', userIds.slice(5, 7))).toEqual([200, 200]);
  },
);

test('a client reads why, not a page of the balancer, when Redis is away; all heals', {
  timeout: 60_000,
}, async () => {
  const { gateway, balancer, whole } = await startManyNodes({
    prepare: prepareHaproxy,
    store: redis().url,
    userIds,
    set: [still],
  });
  const page = openPage(await openSession(gateway, 'user-0'));
  const qrUrl = await page.shows();
  await redis().kill();
  await Promise.all([balancer.serves('gateway', []), balancer.serves('sync', [])]);
  const ping = { IMSI: '624010123456789', MSISDN: '+237650393369', seed_type: 'seed' };
  const { status, text, headers } = await post(`${gateway}/seeds/ping`, ping);
  expect({ status, text }).toEqual({ status: 503, text: 'the store cannot be reached now' });
  expect(headers.get('retry-after')).toBe('1');
  expect(JSON.parse((await get(`${gateway}/readyz`)).text)).toMatchObject({
    ready: false,
    checks: { store: { ok: false, reason: 'unreachable' } },
  });
  await redis().restart();
  await whole();
  expect((await post(`${gateway}/seeds/ping`, ping)).status).toBe(200);
  // Its socket has lived through it.
  expect(page.ends).toEqual([]);
  await pair(qrUrl, phone, password);
  await page.paired;
});
