// The monitoring endpoints of every service (/livez, /readyz, /metrics), and that they reveal no secrets.

import { rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { goodToken, requestDisconnect as logOut, secretsOf, startDisconnect } from '../support/disconnect.ts';
import { get, openSession } from '../support/phone.ts';
import { occupy } from '../support/ports.ts';
import { startTestServices } from '../support/services.ts';
import { openSocket } from '../support/socket.ts';
import { metric, overHttp, readyz } from './probes.ts';

test('all three services respond in the same format', async () => {
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
    // Other paths and methods are not monitoring endpoints.
    const others = service === 'sync' ? 426 : 404;
    for (const path of ['/livez/', '/readyz/x', '/metrics/', '//metrics', '/Livez'])
      expect([path, (await get(`${url}${path}`)).status]).toEqual([path, others]);
    for (const path of ['/livez', '/readyz', '/metrics']) {
      const head = await get(`${url}${path}`, { method: 'HEAD' });
      expect([path, head.status, head.text]).toEqual([path, 200, '']);
      expect(head.headers.get('content-type')).toBe((await get(`${url}${path}`)).headers.get('content-type'));
    }
    for (const method of ['POST', 'DELETE']) {
      const { status: refused } = await get(`${url}/metrics`, { method });
      expect([method, refused]).toEqual([method, others]);
    }
  }
});

test('the gateway without its upstream systems is degraded but serves requests; a failed check gives a one-word reason', async () => {
  const { port, free } = await occupy();
  await free();
  const unreachable = `http://127.0.0.1:${port}`;
  const { gateway, sync } = await startTestServices({
    set: [
      `publisher.port=${port}`,
      `backend_publisher.port=${port}`,
      `dev_api.authentication_url=${unreachable}/v1/authenticate`,
    ],
  });
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

test('the sync service is unready at its socket limit, and ready again when a socket closes', async () => {
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

test('a sync service in a process of its own is ready while it can reach its gateway', async () => {
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

test('the gateway is unready while its store cannot be written', async () => {
  const { gateway, sync, clock, folder } = await startTestServices();
  const [data, away] = [join(folder, 'data'), join(folder, 'away')];
  // A check that is running while the clock advances would be too slow.
  for (const url of [gateway, sync]) expect((await readyz(url)).status).toBe(200);
  await rename(data, away);
  await writeFile(data, 'in the way');
  // A good result is cached for five seconds.
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

test('the disconnect service is unready without its PCRF, with legacy_status too', async () => {
  const gone = await occupy();
  await gone.free();
  const { url } = await startDisconnect({ pcrfPort: gone.port, set: ['disconnect.legacy_status=true'] });
  const { status, body } = await readyz(url);
  expect(status).toBe(503);
  expect(body.checks.pcrf).toMatchObject({ ok: false, required: true, reason: 'unreachable' });
  expect(body.checks.key).toMatchObject({ ok: true, required: false });
});

test('a flood of probes opens one connection a second to an upstream system', async () => {
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

test('monitoring requests leave no timer behind', async () => {
  const { gateway, clock } = await startTestServices();
  const quiet = clock.pending;
  await readyz(gateway);
  await get(`${gateway}/metrics`);
  expect(clock.pending).toBe(quiet);
});

test('no response contains a secret or a host name of the operator', async () => {
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
