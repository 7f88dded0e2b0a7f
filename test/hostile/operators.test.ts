// What operators and balancers ask of every service, and what strangers get instead: /livez, /readyz, /metrics.

import { rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { goodToken, ask as logOut, secretsOf, startDisconnect } from '../support/disconnect.ts';
import { startMessaging } from '../support/messaging.ts';
import { createPhone, get, openSession, pair, post } from '../support/phone.ts';
import { occupy } from '../support/ports.ts';
import { startTestServices } from '../support/services.ts';
import { openSocket } from '../support/socket.ts';

const overHttp = (url: string): string => url.replace(/^ws/, 'http');

/** The value of one line of /metrics; undefined when there is no such line. */
async function metric(url: string, line: string): Promise<number | undefined> {
  const { text } = await get(`${url}/metrics`);
  const found = text.split('\n').find((candidate) => candidate.startsWith(`${line} `));
  return found === undefined ? undefined : Number(found.slice(line.length));
}

interface Readyz {
  readonly ready: boolean;
  readonly state: string;
  readonly service: string;
  readonly version: string;
  readonly uptime: number;
  readonly checks: Record<string, { ok: boolean; required: boolean; ms: number; reason?: string }>;
}

async function readyz(url: string): Promise<{ status: number; body: Readyz }> {
  const { status, text, headers } = await get(`${overHttp(url)}/readyz`);
  expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(headers.get('cache-control')).toBe('no-store');
  return { status, body: JSON.parse(text) };
}

test('all three services answer, in one form', async () => {
  const { gateway, sync } = await startTestServices();
  const disconnect = await startDisconnect();
  for (const [service, url] of Object.entries({
    gateway,
    sync: overHttp(sync),
    disconnect: disconnect.url,
  })) {
    expect(await get(`${url}/livez`)).toMatchObject({ status: 200, text: 'ok' });
    expect(await get(`${url}/livez?a=b`)).toMatchObject({ status: 200, text: 'ok' });
    const { status, body } = await readyz(url);
    expect(status).toBe(200);
    expect(body).toMatchObject({ ready: true, service, version: 'test', uptime: expect.any(Number) });
    expect(body.checks.event_loop).toMatchObject({ ok: true, required: true });
    const { text, headers } = await get(`${url}/metrics`);
    expect(headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(text).toContain('swob_build_info{version="test"');
    // Anything else is as it was.
    const others = service === 'sync' ? 426 : 404;
    for (const path of ['/livez/', '/readyz/x', '/metrics/', '//metrics', '/Livez'])
      expect([path, (await get(`${url}${path}`)).status]).toEqual([path, others]);
    for (const method of ['HEAD', 'POST', 'DELETE']) {
      const { status: refused } = await get(`${url}/metrics`, { method });
      expect([method, refused]).toEqual([method, others]);
    }
  }
});

test('the gateway without its upstreams is degraded and serves; its checks say why in one word', async () => {
  const { gateway, sync } = await startTestServices();
  const { status, body } = await readyz(gateway);
  expect([status, body.state]).toEqual([200, 'degraded']);
  expect(body.checks).toMatchObject({
    store: { ok: true, required: true },
    disk: { required: false },
    outbox: { ok: true, required: false },
    users: { ok: true, required: false },
    publisher: { ok: false, required: false, reason: 'unreachable' },
  });
  expect((await readyz(sync)).body).toMatchObject({
    state: 'ready',
    checks: { store: { ok: true, required: true }, sockets: { ok: true, required: true } },
  });
});

test('sync at its limit of sockets is not ready, and is again when one leaves', async () => {
  const { gateway, sync, clock } = await startTestServices({ set: ['sync.max_connections=1'] });
  const socket = await openSocket(await openSession(gateway, 'alice'));
  const full = await readyz(sync);
  expect(full.status).toBe(503);
  expect(full.body).toMatchObject({ ready: false, checks: { sockets: { ok: false, reason: 'full' } } });
  expect(await metric(overHttp(sync), 'swob_sync_sockets')).toBe(1);
  socket.raw.close();
  await vi.waitFor(async () => {
    clock.advance(1_000);
    expect((await readyz(sync)).status).toBe(200);
  });
});

test('a sync service on its own is ready when its gateway can be reached', async () => {
  const gateway = await occupy();
  const { sync, clock } = await startTestServices({ names: ['sync'], set: [`api.port=${gateway.port}`] });
  expect(await readyz(sync)).toMatchObject({
    status: 200,
    body: { checks: { gateway: { ok: true, required: true } } },
  });
  await gateway.free();
  clock.advance(1_000);
  expect(await readyz(sync)).toMatchObject({
    status: 503,
    body: { state: 'unready', checks: { gateway: { ok: false, reason: 'unreachable' } } },
  });
});

test('a store that cannot be written makes the gateway unready, until it can', async () => {
  const { gateway, sync, clock, folder } = await startTestServices();
  const [data, away] = [join(folder, 'data'), join(folder, 'away')];
  expect((await readyz(gateway)).status).toBe(200);
  await rename(data, away);
  await writeFile(data, 'in the way');
  // A good answer holds for five seconds.
  clock.advance(5_000);
  for (const url of [gateway, sync]) {
    const { status, body } = await readyz(url);
    expect([status, body.checks.store?.reason]).toEqual([503, 'failed']);
    expect(JSON.stringify(body)).not.toContain(folder);
  }
  expect((await get(`${gateway}/livez`)).status).toBe(200);
  await rm(data);
  await rename(away, data);
  clock.advance(1_000);
  expect((await readyz(gateway)).status).toBe(200);
});

test('the disconnect service without its PCRF is not ready, legacy_status or not', async () => {
  const gone = await occupy();
  await gone.free();
  const { url } = await startDisconnect({ pcrfPort: gone.port, set: ['disconnect.legacy_status=true'] });
  const { status, body } = await readyz(url);
  expect(status).toBe(503);
  expect(body.checks.pcrf).toMatchObject({ ok: false, required: true, reason: 'unreachable' });
  expect(body.checks.key).toMatchObject({ ok: true, required: false });
});

test('a flood of probes is one connection a second to what is behind', async () => {
  let connections = 0;
  const upstream = createServer((socket) => {
    connections++;
    socket.resume().on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void upstream.close());
  const address = upstream.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const { gateway, clock } = await startTestServices({ set: [`publisher.port=${port}`] });
  const flood = () => Promise.all(Array.from({ length: 200 }, () => readyz(gateway)));
  expect((await flood()).every(({ body }) => body.checks.publisher?.ok)).toBe(true);
  await flood();
  await vi.waitFor(() => expect(connections).toBe(1));
  clock.advance(1_000);
  await flood();
  await vi.waitFor(() => expect(connections).toBe(2));
});

test('nothing runs when nobody asks', async () => {
  const { gateway, clock } = await startTestServices();
  const quiet = clock.pending;
  await readyz(gateway);
  await get(`${gateway}/metrics`);
  expect(clock.pending).toBe(quiet);
});

test('metrics: an address that is not allowed gets what every unknown path gets', async () => {
  const { gateway, sync } = await startTestServices({ set: ['metrics.allow=10.0.0.0/8'] });
  const disconnect = await startDisconnect({ set: ['metrics.allow=10.0.0.0/8'] });
  for (const url of [gateway, overHttp(sync), disconnect.url]) {
    const [metrics, unknown] = [await get(`${url}/metrics`), await get(`${url}/nothing`)];
    expect([metrics.status, metrics.text]).toEqual([unknown.status, unknown.text]);
    expect([...metrics.headers.keys()].sort()).toEqual([...unknown.headers.keys()].sort());
    // A claim of being another.
    const claimed = await get(`${url}/metrics`, { headers: { 'x-forwarded-for': '10.0.0.1' } });
    expect(claimed.status).toBe(unknown.status);
    // Balancers are let in from everywhere.
    expect((await get(`${url}/livez`)).status).toBe(200);
    expect((await get(`${url}/readyz`)).text).toContain('"ready"');
  }
});

test('metrics behind a proxy: the client counts when the proxy is trusted, and nobody when it is not', async () => {
  const trusting = await startTestServices({
    set: ['metrics.allow=10.0.0.0/8', 'api.trusted_proxies=loopback'],
  });
  for (const url of [trusting.gateway, overHttp(trusting.sync)]) {
    const statusFor = async (client: string): Promise<number> =>
      (await get(`${url}/metrics`, { headers: { 'x-forwarded-for': client } })).status;
    expect(await statusFor('10.1.2.3')).toBe(200);
    expect(await statusFor('192.0.2.1')).toBeGreaterThanOrEqual(400);
    // The last one is what the proxy saw; the first is what the client claims.
    expect(await statusFor('10.1.2.3, 192.0.2.1')).toBeGreaterThanOrEqual(400);
  }
  const { gateway, sync } = await startTestServices();
  for (const url of [gateway, overHttp(sync)]) {
    for (const name of ['x-forwarded-for', 'x-real-ip', 'forwarded', 'via', 'origin']) {
      const { status } = await get(`${url}/metrics`, { headers: { [name]: '127.0.0.1' } });
      expect([name, status >= 400]).toEqual([name, true]);
    }
    expect((await get(`${url}/metrics`)).status).toBe(200);
  }
});

test('pairing is counted by outcome, requests by pattern, limits by name', async () => {
  const { gateway } = await startTestServices({ set: ['limits.sessions=3/1m'] });
  const outcome = (name: string) => metric(gateway, `swob_pairings_total{outcome="${name}"}`);
  expect(await outcome('paired')).toBe(0);
  const [userId, sessionId] = (await openSession(gateway, 'alice')).split('/').slice(-2);
  const handshake = `${gateway}/v2/sync/users/${userId}/sessions/${sessionId}/handshake`;
  await expect(pair(handshake, createPhone(), 'wrong')).rejects.toThrow('401');
  await pair(
    `${gateway}/v2/sync/users/alice/sessions/${(await openSession(gateway, 'alice')).split('/').at(-1)}/handshake`,
    createPhone(),
    'correct horse',
  );
  expect(await outcome('opened')).toBe(2);
  expect(await outcome('handshake')).toBe(2);
  expect(await outcome('wrong_password')).toBe(1);
  expect(await outcome('paired')).toBe(1);
  await openSession(gateway, 'alice');
  await expect(openSession(gateway, 'alice')).rejects.toThrow('429');
  expect(await outcome('limited')).toBe(1);
  expect(await metric(gateway, 'swob_limit_refusals_total{limit="session:address"}')).toBe(1);
  const route = 'service="gateway",method="GET",route="/v2/sync/users/:userId"';
  expect(await metric(gateway, `swob_http_requests_total{${route},status="2xx"}`)).toBe(3);
  expect(await metric(gateway, `swob_http_requests_total{${route},status="4xx"}`)).toBe(1);
});

test('messages are counted by what they were answered, and those that wait are shown', async () => {
  const { gateway, send, post: postSms, publisher } = await startMessaging();
  const answered = (name: string) => metric(gateway, `swob_publish_total{outcome="${name}"}`);
  await send('a:b:c');
  await postSms({ text: 'not ours', MSISDN: '+237650393369' });
  expect([await answered('published'), await answered('refused')]).toEqual([1, 1]);
  await publisher.close();
  await send('d:e:f');
  expect(await answered('accepted')).toBe(1);
  expect(await metric(gateway, 'swob_outbox_parcels{kind="message",state="waiting"}')).toBe(1);
  expect(await metric(gateway, 'swob_outbox_parcels{kind="message",state="failed"}')).toBe(0);
  expect(await metric(gateway, 'swob_upstream_connections{upstream="publisher",state="in_use"}')).toBe(0);
});

test('disconnects are counted by reason', async () => {
  const world = await startDisconnect();
  await logOut(world, goodToken);
  await logOut(world, `${goodToken.slice(0, -6)}AAAAAA`);
  const count = (name: string) => metric(world.url, `swob_disconnects_total{outcome="${name}"}`);
  expect([await count('done'), await count('token_refused'), await count('pcrf_failed')]).toEqual([1, 1, 0]);
  expect(await metric(world.url, 'swob_upstream_connections{upstream="pcrf",state="idle"}')).toBe(1);
});

test('however many ids, paths and methods come: the number of lines stays, and none of them is in it', async () => {
  const { gateway, sync } = await startTestServices({ set: ['limits.guesses=off', 'limits.sessions=off'] });
  const visit = async (mark: string): Promise<void> => {
    await get(`${gateway}/${mark}/${mark}?${mark}`);
    await get(`${gateway}/seeds/${mark}`, { headers: { [`x-${mark}`]: mark } });
    await post(`${gateway}/v2/sync/users/${mark}/sessions/${mark}`, { password: mark });
    await get(`${overHttp(sync)}/v2/sync/init/${mark}/${mark}`);
    await openSession(gateway, mark);
  };
  const lines = async (): Promise<string[]> => (await get(`${gateway}/metrics`)).text.split('\n');
  const own = (all: string[]): string[] => all.filter((line) => line.startsWith('swob_'));
  await visit('marker0');
  const before = own(await lines()).length;
  for (let round = 1; round <= 20; round++) await visit(`marker${round}`);
  const after = await lines();
  expect(own(after).length).toBe(before);
  expect(after.join('\n')).not.toContain('marker');
});

test('no secret and no host of the operator in any answer', async () => {
  const secrets = ['hunter2hunter2', 'topsecret', 'opensesame', 'internal.example'];
  const { gateway, sync } = await startTestServices({
    set: [
      `dev_api.auth_key=${secrets[0]}`,
      `seeds.token_secret=${secrets[1]}`,
      `user_management_api.verification_url=http://u:${secrets[2]}@127.0.0.1:9/%s`,
      `backend_publisher.host=${secrets[3]}`,
    ],
  });
  const disconnect = await startDisconnect();
  await logOut(disconnect, goodToken);
  for (const url of [gateway, overHttp(sync), disconnect.url]) {
    for (const path of ['/livez', '/readyz', '/metrics']) {
      const { text, headers } = await get(`${url}${path}`);
      const all = text + JSON.stringify([...headers]);
      for (const secret of [...secrets, ...secretsOf(goodToken)]) expect(all).not.toContain(secret);
    }
  }
});
