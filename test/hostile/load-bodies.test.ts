// docs/protocol.md, "Load before authentication": L1 and L2, bodies that are to fill the memory. The real process, with the heap
// of the units, takes what once killed it.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { publicPem } from '../crypto/token-builder.ts';
import { absentSystemSettings } from '../support/absent-systems.ts';
import { startSwob } from '../support/binary.ts';
import { startDisconnect } from '../support/disconnect.ts';
import { temporaryFolder } from '../support/folders.ts';
import { peakMemory, sendByteChunks, statusOf, unitEnvironment } from '../support/load.ts';
import { get, post } from '../support/phone.ts';
import { startAttackedServices } from './attacked-services.ts';
import { connectTo, readAll, request } from './raw.ts';

const seed = { IMSI: '624013000000000', MSISDN: '+237671234567', seed_type: 'seed' };
const json = 'Content-Type: application/json';

test('L1 flood of one-byte chunks to every service: memory stays flat', async () => {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, 'public.pem'), publicPem);
  const ports = ['api.port=0', 'websocket.port=0', 'disconnect.port=0', 'disconnect.host=127.0.0.1'];
  const settings = [...(await absentSystemSettings()), ...ports, 'validation.public_key=public.pem'];
  const set = settings.flatMap((pair) => ['--set', pair]);
  const swob = await startSwob(['serve', 'gateway', 'sync', 'disconnect', ...set], {
    cwd,
    env: unitEnvironment,
  });
  const { gateway, sync, disconnect } = swob.ready;
  const before = peakMemory(swob);
  const targets = [
    [gateway.url, 'POST /v1/sms'],
    [gateway.url, 'POST /v2/sync/users/alice/sessions/0123'],
    [gateway.url, 'POST /v2/sync/users/alice/sessions/0123/handshake'],
    [gateway.url, 'POST /sms/platform/gateway-client'],
    [gateway.url, 'POST /nowhere'],
    [gateway.url, 'GET /readyz'],
    [sync.url, 'POST /readyz'],
    [disconnect.url, 'POST /disconnect'],
    [disconnect.url, 'GET /disconnect?token=x'],
  ] as const;
  const all = targets.flatMap((target) => Array.from({ length: 4 }, () => target));
  const statuses = await Promise.all(all.map(([url, line]) => sendByteChunks(url, line, 200_000)));
  for (const status of statuses) expect([0, 200, 400, 401, 408, 413, 426, 503]).toContain(status);
  expect((await post(`${gateway.url}/seeds/ping`, seed)).status).toBe(200);
  // When every chunk was kept, one request took 190 MB.
  expect(peakMemory(swob) - before).toBeLessThan(60);
});

test('L1 every route with a body rejects a body of too many chunks with 413', async () => {
  const services = await startAttackedServices();
  const disconnect = await startDisconnect();
  for (const [url, path] of [
    [services.gateway, '/v1/sms'],
    [services.gateway, '/v1/sms/operators'],
    [services.gateway, '/v1/subscribe'],
    [services.gateway, '/seeds'],
    [services.gateway, '/seeds/ping'],
    [services.gateway, '/sms/platform/gateway-client'],
    [services.gateway, '/v2/sync/users/alice/sessions/0123/handshake'],
    [disconnect.url, '/disconnect'],
  ] as const) {
    expect([path, await sendByteChunks(url, `POST ${path}`, 10_000)]).toEqual([path, 413]);
  }
  expect((await post(`${services.gateway}/seeds/ping`, seed)).status).toBe(200);
});

test('L1 an endless body that no route needs closes its connection', async () => {
  const services = await startAttackedServices();
  const disconnect = await startDisconnect();
  for (const [url, line] of [
    [services.gateway, 'GET /seeds'],
    [services.gateway, 'HEAD /seeds'],
    [services.gateway, 'GET /livez'],
    [disconnect.url, 'GET /disconnect?token=x'],
    [services.sync, 'GET /livez'],
    [services.sync, 'POST /nowhere'],
  ] as const) {
    const socket = await connectTo(url);
    const response = readAll(socket);
    socket.write(`${line} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n`);
    // Otherwise the connection would stay open for 30 s.
    expect(await response).toMatch(/^HTTP\/1\.1 \d{3} .*^connection: close\r$/ims);
  }
});

test('L1 an endless body is not read while its request waits for the response', async () => {
  const services = await startAttackedServices();
  const disconnect = await startDisconnect();
  for (const url of [services.gateway, disconnect.url, services.sync]) {
    const socket = await connectTo(url);
    const response = readAll(socket);
    // In one packet with the request, before any answer can be sent.
    socket.write(
      `GET /readyz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\na\r\n'.repeat(5_000)}`,
    );
    await response;
  }
});

test('L2 slow POST flood: held bodies fill their share of the budget only, pings pass, and the budget is released', async () => {
  const services = await startAttackedServices({ set: ['overload.max_bodies=1 MB'] });
  const metric = async (name: string) =>
    Number(new RegExp(`^${name} (\\d+)$`, 'm').exec((await get(`${services.gateway}/metrics`)).text)?.[1]);
  const head = request('POST', '/v1/sms', [json, 'Content-Length: 500000']);
  const sockets = await Promise.all(Array.from({ length: 8 }, () => connectTo(services.gateway)));
  const responses = sockets.map(async (socket) => {
    const response = readAll(socket);
    socket.write(`${head}${' '.repeat(200_000)}`);
    return response;
  });
  const [refused = ''] = await Promise.all([Promise.race(responses)]);
  expect(statusOf(refused)).toBe(503);
  expect(refused).toMatch(/^retry-after: \d+\r$/im);
  expect((await post(`${services.gateway}/seeds/ping`, seed)).status).toBe(200);
  expect(await metric('swob_request_body_refusals_total')).toBeGreaterThan(0);
  expect(await metric('swob_request_body_bytes')).toBeLessThanOrEqual(512 * 1_024);
  for (const socket of sockets) socket.destroy();
  await Promise.all(responses);
  // Polls until the server has seen its sockets close.
  while ((await metric('swob_request_body_bytes')) > 0);
});

test('L2 JSON amplification: a body of empty arrays is rejected before it is parsed to a hundred times its size', async () => {
  const services = await startAttackedServices();
  const body = `[${'[],'.repeat(150_000)}1]`;
  expect((await post(`${services.gateway}/v1/sms/operators`, body)).status).toBe(413);
});

test('pipelining flood: too many pipelined requests close the connection', async () => {
  const services = await startAttackedServices();
  const socket = await connectTo(services.gateway);
  const response = readAll(socket);
  socket.write('GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1_000));
  await response;
  expect((await get(`${services.gateway}/metrics`)).text).toMatch(
    /^swob_client_connections_closed_total\{reason="pipelining"\} 1$/m,
  );
});

test('pipelined requests are handled one after the other, so that unread responses do not fill the memory', async () => {
  const swob = await startSwob(['serve', 'gateway', '--set', 'api.port=0'], {
    cwd: temporaryFolder(),
    env: unitEnvironment,
  });
  const { gateway } = swob.ready;
  expect((await get(`${gateway.url}/docs/json`)).status).toBe(200);
  const before = peakMemory(swob);
  for (let n = 0; n < 8; n++) {
    const socket = await connectTo(gateway.url);
    socket.pause();
    socket.write('GET /docs/json HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(500));
  }
  // Each response has 47 kB; all of them together killed the process.
  for (let n = 0; n < 20; n++) expect((await get(`${gateway.url}/livez`)).status).toBe(200);
  expect(peakMemory(swob) - before).toBeLessThan(50);
});

test('pipelined requests get their responses in order', async () => {
  const services = await startAttackedServices();
  const socket = await connectTo(services.gateway);
  const response = readAll(socket);
  const ping = request('POST', '/seeds/ping', [json, `Content-Length: ${JSON.stringify(seed).length}`]);
  const lines = ['GET /livez', 'GET /nowhere', 'GET /%', 'GET /readyz', 'GET /seeds/624013000000000'];
  const first = lines.map((line) => `${line} HTTP/1.1\r\nHost: x\r\n\r\n`).join('');
  socket.write(`${first}${ping}${JSON.stringify(seed)}`);
  const statuses = (await response).match(/(?<=HTTP\/1\.1 )\d{3}/g);
  expect(statuses).toEqual(['200', '404', '400', '200', '200', '200']);
});
