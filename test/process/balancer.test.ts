// The files of confs/balancer with a real HAProxy and nginx in front of three real nodes and a real Redis: clients may
// use any node, nodes may stop, be killed and restart, clients keep their addresses. See docs/many-machines.md.

import { request } from 'node:https';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { prepareHaproxy } from '../support/haproxy.ts';
import { needs } from '../support/needs.ts';
import { prepareNginx } from '../support/nginx.ts';
import { openPage } from '../support/page.ts';
import { createPhone, get, openSession, pair, post, shakeHands } from '../support/phone.ts';
import { redisForFile } from '../support/redis.ts';
import { redisNeeds } from '../support/redis-server.ts';
import { sharedByFile } from '../support/teardown.ts';
import {
  type BalancedNodes,
  type BalancedNodesOptions,
  password,
  type Serving,
  startBalancedNodes,
} from './balanced-nodes.ts';

const redis = redisForFile();

const phone = createPhone();
/** More users than the test pairs, because each pairs once. */
const userIds = Array.from({ length: 5_000 }, (_, index) => `user-${index}`);
const pairedAtOnce = 2;
/** Between two pairings of a loop, while nodes stop, and while they start, which takes most of the time and needs the CPU. */
const thinkTimeMs = { busy: 50, quiet: 1_000 };
const set = [
  // Most clients share one address.
  'limits.sessions=100000/1m',
  'limits.passwords=1000/1m',
  'limits.pings=3/1m',
  // The QR code stays the same for longer than the tests.
  'sync.session_sleep_timeout=1h',
];

/** Nodes for all tests of a balancer, each of which uses users of its own. */
function nodesBehind<B extends Serving>(prepare: BalancedNodesOptions<B>['prepare']) {
  const start = async () => {
    await redis().flush();
    return startBalancedNodes({ prepare, store: redis().url, userIds, set });
  };
  return sharedByFile(start, [...redisNeeds, { command: 'haproxy' }, { command: 'nginx' }]);
}

const sessionOf = (qrUrl: string): string => new URL(qrUrl).pathname.split('/')[6] ?? '';

/** A page and a phone that send each request once: any failure fails the pairing. */
async function pairOnce(gateway: string, userId: string): Promise<void> {
  const page = openPage(await openSession(gateway, userId));
  await pair(await page.shownUrl(), phone, password);
  await page.paired;
}

/** Requests for a route that the node has responded to. */
async function statusOf(url: string, method: string, route: string): Promise<number> {
  const { text } = await get(`${url}/metrics`);
  const labels = `{service="gateway",method="${method}",route="${route}",`;
  const lines = text.split('\n').filter((each) => each.startsWith(`swob_http_requests_total${labels}`));
  return lines.reduce((sum, line) => sum + Number(line.split(' ')[1]), 0);
}

/** Pairs users, some concurrently, until stopped; `failures` lists the errors. */
function pairInLoops(gateway: string, users: readonly string[]) {
  const rest = users.values();
  const failures: unknown[] = [];
  let pairings = 0;
  let pace: keyof typeof thinkTimeMs = 'busy';
  let isOver = false;
  const loop = async (): Promise<void> => {
    for (const userId of rest) {
      if (isOver) return;
      try {
        await pairOnce(gateway, userId);
        pairings += 1;
        await setTimeout(thinkTimeMs[pace]);
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
        { timeout: 240_000, interval: 50 },
      );
    },
    /** The load goes on at a slower pace until `action` is done. */
    quietly: async (action: () => Promise<void>): Promise<void> => {
      pace = 'quiet';
      await action();
      pace = 'busy';
    },
    stop: async (): Promise<void> => {
      isOver = true;
      await Promise.all(loops);
    },
  };
}

/** Pages that stay open while nodes stop, with the QR URL that each shows. */
async function openPages({ gateway }: BalancedNodes, users: readonly string[]) {
  const pages = users.map(async (userId) => {
    const page = openPage(await openSession(gateway, userId));
    return { page, qrUrl: await page.shownUrl() };
  });
  return Promise.all(pages);
}

type Load = ReturnType<typeof pairInLoops>;
type Open = Awaited<ReturnType<typeof openPages>>;

async function startAgain(many: BalancedNodes, node: BalancedNodes['nodes'][number]): Promise<void> {
  await node.start();
  await many.allServing();
}

/** Stops each node once, one of them without warning. */
async function restartEach(many: BalancedNodes, load: Load, open: Open): Promise<void> {
  const [paused, others] = [open.slice(0, 3), open.slice(3)];
  for (const { page, qrUrl } of paused) {
    await shakeHands(qrUrl, phone);
    await page.paused();
  }
  for (const [index, node] of many.nodes.entries()) {
    await node.kill(index === 1 ? 'SIGKILL' : 'SIGTERM');
    await load.more(5);
    await load.quietly(() => startAgain(many, node));
    await load.more(3);
  }
  // So every page has lost its socket.
  for (const { page } of open) expect(page.closeCodes).not.toEqual([]);
  const codes = new Set(open.flatMap(({ page }) => page.closeCodes));
  expect([...codes]).toEqual(expect.arrayContaining([1001, 1006]));
  for (const { page, qrUrl } of others) expect(await page.shownUrl()).toBe(qrUrl);
  for (const { page, qrUrl } of open) {
    expect(sessionOf(await page.shownUrl())).toBe(sessionOf(qrUrl));
    await pair(qrUrl, phone, password);
    await page.paired;
  }
}

const ping = { IMSI: '624010123456789', MSISDN: '+237650393369', seed_type: 'seed' };

/** Pings as another seed of a client at `localAddress`; resolves to the status. */
function pingFrom(gateway: string, localAddress: string, index: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      // A client cannot choose its own address.
      'x-forwarded-for': '203.0.113.7',
      forwarded: 'for=203.0.113.8',
    };
    const options = { method: 'POST', localAddress, headers, agent: false };
    const sent = request(`${gateway}/seeds/ping`, options, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.once('error', reject).end(JSON.stringify({ ...ping, IMSI: `62401000000000${index}` }));
  });
}

function testsOfBalancer(nodes: () => BalancedNodes): void {
  test('limits count clients by their own addresses, across all nodes', async (context) => {
    needs(context, { loopbackNetwork: true });
    const { gateway } = nodes();
    const statuses = async (address: string, count: number): Promise<number[]> => {
      const found: number[] = [];
      for (let index = 0; index < count; index++) found.push(await pingFrom(gateway, address, index));
      return found;
    };
    expect(await statuses('127.0.0.2', 5)).toEqual([200, 200, 200, 429, 429]);
    expect(await statuses('127.0.0.3', 2)).toEqual([200, 200]);
  });

  test('requests up to the limits of the gateway pass, larger ones do not', async () => {
    const { gateway } = nodes();
    const batch = (bytes: number): string => {
      const body = JSON.stringify({
        auth_id: 'dev',
        auth_key: 'key',
        data: [{ number: '+237650393369', text: 'x' }],
      });
      return body.padEnd(bytes);
    };
    const largest = await post(`${gateway}/v1/sms`, batch(512 * 1024));
    expect([largest.status, largest.text]).toEqual([503, 'no broker configured']);
    // A client that is still sending when the connection closes may miss the response.
    await vi.waitFor(async () => {
      expect((await post(`${gateway}/v1/sms`, batch(512 * 1024 + 1))).status).toBe(413);
    });
    // The maximum length of a token of the disconnect service.
    expect((await get(`${gateway}/seeds/624010123456789?x=${'y'.repeat(8 * 1024)}`)).status).toBe(200);
  });

  test('a rolling restart and a kill under load fail no pairing, and pages keep their sessions', async () => {
    const load = pairInLoops(nodes().gateway, userIds.slice(14));
    await restartEach(nodes(), load, await openPages(nodes(), userIds.slice(2, 14)));
    await load.stop();
    expect(load.failures).toEqual([]);
  });
}

describe('HAProxy', () => {
  const behindHaproxy = nodesBehind(prepareHaproxy);

  test('pairs with session, socket, handshake and password on different nodes', async () => {
    const { gateway, nodes, balancer, allServing } = behindHaproxy();
    const only = async (backend: 'gateway' | 'sync', name: string): Promise<void> => {
      for (const each of nodes) {
        const state = each.name === name ? 'ready' : 'drain';
        await balancer.sendCommand(`set server ${backend}/${each.name} state ${state}`);
      }
      await balancer.serves(backend, [name]);
    };
    await only('gateway', 'node1');
    await only('sync', 'node2');
    const page = openPage(await openSession(gateway, 'user-0'));
    const qrUrl = await page.shownUrl();
    await only('gateway', 'node3');
    await shakeHands(qrUrl, phone);
    await page.paused();
    await only('gateway', 'node2');
    await pair(qrUrl, phone, password);
    await page.paired;
    const session = '/v2/sync/users/:userId/sessions/:sessionId';
    const counts = nodes.map(async ({ url }) => [
      await statusOf(url, 'GET', '/v2/sync/users/:userId'),
      await statusOf(url, 'POST', `${session}/handshake`),
      await statusOf(url, 'POST', session),
    ]);
    expect(await Promise.all(counts)).toEqual([
      [1, 0, 0],
      [0, 1, 1],
      [0, 1, 0],
    ]);
    for (const { name } of nodes) {
      await balancer.sendCommand(`set server gateway/${name} state ready`);
      await balancer.sendCommand(`set server sync/${name} state ready`);
    }
    await allServing();
  });
  test('clients get the reason, not an error page of the balancer, when Redis is down; all nodes recover', async () => {
    const { gateway, balancer, allServing } = behindHaproxy();
    const page = openPage(await openSession(gateway, 'user-1'));
    const qrUrl = await page.shownUrl();
    await redis().kill();
    await Promise.all([balancer.serves('gateway', []), balancer.serves('sync', [])]);
    const { status, text, headers } = await post(`${gateway}/seeds/ping`, ping);
    expect({ status, text }).toEqual({ status: 503, text: 'the store cannot be reached now' });
    expect(headers.get('retry-after')).toBe('1');
    expect(JSON.parse((await get(`${gateway}/readyz`)).text)).toMatchObject({
      ready: false,
      checks: { store: { ok: false, reason: 'unreachable' } },
    });
    await redis().restart();
    await allServing();
    expect((await post(`${gateway}/seeds/ping`, ping)).status).toBe(200);
    // Its socket survived the outage.
    expect(page.closeCodes).toEqual([]);
    await pair(qrUrl, phone, password);
    await page.paired;
  });

  testsOfBalancer(behindHaproxy);
});

describe('nginx', () => {
  testsOfBalancer(nodesBehind(prepareNginx));
});
