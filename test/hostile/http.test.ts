// docs/protocol.md, X1 to X5.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { temporaryFolder } from '../support/folders.ts';
import { patient } from '../support/patience.ts';
import { get, handshakeUrlOf, openSession, post } from '../support/phone.ts';
import { openSocket } from '../support/socket.ts';
import { expectService, phone, startAttackedServices } from './attacked-services.ts';
import { connectTo, exchange, readAll, request } from './raw.ts';

const seed = { IMSI: '624013000000000', MSISDN: '+237671234567', seed_type: 'seed' };
const json = 'Content-Type: application/json';

/** On a busy machine a shorter one ends requests before their headers have arrived. */
const timeout = patient(500);
const shortTimeout = `api.request_timeout=${timeout}ms`;

/** Requests that are never completed. */
const slow = {
  nothing: '',
  'half a header': 'POST /seeds/ping HTTP/1.1\r\nHost: x\r\nX-Slow: ',
  'half a body': `POST /seeds/ping HTTP/1.1\r\nHost: x\r\n${json}\r\nContent-Length: 100\r\n\r\n{`,
  'half a chunk': `POST /seeds/ping HTTP/1.1\r\nHost: x\r\n${json}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{`,
};

test('X1 slowloris: slow headers and slow bodies are closed at the timeout', async () => {
  const services = await startAttackedServices({ set: [shortTimeout] });
  for (const url of [services.gateway, services.sync]) {
    const responses = await Promise.all(Object.values(slow).map((text) => exchange(url, text)));
    // The sync service answers a POST immediately, whatever its body.
    for (const response of responses) expect(response).toMatch(/^(HTTP\/1\.1 (408|426) |$)/);
  }
  const half = await exchange(services.gateway, slow['half a body']);
  expect(half).toMatch(/^HTTP\/1\.1 408 .*\r\nX-Content-Type-Options: nosniff\r\n/is);
  expect(services.storedRecords()).toEqual({});
  await expectService(services);
});

test('X1 slowloris over TLS', async () => {
  const folder = temporaryFolder();
  const [crt, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  const subject = ['-subj', '/CN=localhost', '-days', '1', '-nodes', '-newkey', 'rsa:2048'];
  execFileSync('openssl', ['req', '-x509', ...subject, '-out', crt, '-keyout', key], { stdio: 'ignore' });
  const services = await startAttackedServices({
    set: [
      shortTimeout,
      ...['api_ssl', 'websocket_ssl'].flatMap((ssl) => [`${ssl}.crt=${crt}`, `${ssl}.key=${key}`]),
    ],
  });
  expect(services.gateway).toMatch(/^https:/);
  for (const url of [services.gateway, services.sync]) {
    // On a slow machine the handshake itself may take longer than the timeout.
    await Promise.allSettled(Object.values(slow).map((text) => exchange(url, text)));
  }
  await vi.waitFor(async () =>
    expect(await exchange(services.gateway, request('GET', '/seeds'))).toMatch(/^HTTP\/1\.1 200 /),
  );
});

test('X1 slow POST: a body sent byte by byte is closed at the timeout, which no byte extends', async () => {
  const services = await startAttackedServices({ set: [shortTimeout] });
  const socket = await connectTo(services.gateway);
  const response = readAll(socket);
  socket.write(`POST /seeds/ping HTTP/1.1\r\nHost: x\r\n${json}\r\nContent-Length: 16000\r\n\r\n`);
  // At most 50 bytes within the timeout: a fast machine would send more chunks than a body may have.
  for (let written = -Infinity; !socket.destroyed; await get(`${services.gateway}/seeds`)) {
    if (performance.now() - written < timeout / 50) continue;
    socket.write(' ');
    written = performance.now();
  }
  expect(await response).toMatch(/^(HTTP\/1\.1 408 |$)/);
});

test('X2 an unsupported Content-Type gets 400 or 415, trailing data after JSON 400', async () => {
  const services = await startAttackedServices();
  const body = JSON.stringify(seed);
  const url = `${services.gateway}/seeds/ping`;
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'a/b', 'json']) {
    expect([400, 415]).toContain((await post(url, body, { 'content-type': type })).status);
  }
  for (const type of ['multipart/form-data', 'application/json; charset=utf-16', 'application/jsonx']) {
    expect([200, 400, 415]).toContain((await post(url, body, { 'content-type': type })).status);
  }
  const untyped = request('POST', '/seeds/ping', [`Content-Length: ${body.length}`], body);
  expect(await exchange(services.gateway, untyped)).toMatch(/^HTTP\/1\.1 (400|415) /);
  for (const garbage of [
    `${body}x`,
    `${body}${body}`,
    `${body},`,
    `x${body}`,
    body.slice(0, -1),
    '',
    '[',
    'null',
  ]) {
    expect(await post(url, garbage)).toMatchObject({ status: 400, text: expect.stringMatching(/\S/) });
  }
  const session = handshakeUrlOf(services.gateway, await openSession(services.gateway, 'alice'));
  const key = JSON.stringify({ public_key: phone.publicKeyPem });
  for (const garbage of [`${key}x`, `${key}${key}`, key.slice(0, -1), '']) {
    expect(await post(session, garbage)).toMatchObject({ status: 400, text: 'poorly formed json' });
  }
  expect((await post(session, key)).status).toBe(200);
});

test('X2 an oversized body gets 413, deeply nested JSON 400', async () => {
  const services = await startAttackedServices();
  const url = `${services.gateway}/seeds/ping`;
  expect((await post(url, { ...seed, more: 'x'.repeat(16 * 1024) })).status).toBe(413);
  expect((await post(url, `${'['.repeat(8_000)}${']'.repeat(8_000)}`)).status).toBe(400);
  expect((await post(url, `${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`)).status).toBe(400);
  const chunked = request('POST', '/seeds/ping', [json, 'Transfer-Encoding: chunked']);
  expect(await exchange(services.gateway, `${chunked}10000\r\n${'x'.repeat(0x10000)}\r\n0\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 413 /,
  );
  const session = handshakeUrlOf(services.gateway, await openSession(services.gateway, 'alice'));
  expect((await post(session, `{"public_key":"${'\n'.repeat(20_000)}"}`)).status).toBe(413);
  // Escaping makes each of these six times as long.
  expect((await post(session, `{"public_key":"${'\n'.repeat(16_000)}"}`)).status).toBe(400);
  await expectService(services);
});

test('X3 prototype pollution: __proto__ and constructor in bodies get 400', async () => {
  const services = await startAttackedServices();
  const session = handshakeUrlOf(services.gateway, await openSession(services.gateway, 'alice'));
  const routes = [
    `${services.gateway}/seeds/ping`,
    `${services.gateway}/seeds`,
    session,
    session.replace('/handshake', ''),
  ];
  const payloads = [
    '"__proto__":{"polluted":true}',
    '"constructor":{"prototype":{"polluted":true}}',
    '"\\u005f_proto__":{"polluted":true}',
    '"a":{"__proto__":{"polluted":true}}',
    '"__proto__":{"IMSI":"1","MSISDN":"1","seed_type":"seed","public_key":"x","password":"x"}',
  ];
  for (const url of routes) {
    for (const member of payloads) {
      for (const body of [`{${member}}`, `{${member},${JSON.stringify(seed).slice(1)}`]) {
        expect((await post(url, body)).status).toBe(400);
      }
    }
  }
  expect(Object.prototype).not.toHaveProperty('polluted');
  expect(services.storedRecords()).toEqual({});
  expect((await post(`${services.gateway}/seeds/ping`, seed)).status).toBe(200);
});

test('X4 spoofed X-Forwarded-For from an untrusted peer is ignored', async () => {
  const services = await startAttackedServices({ set: ['limits.pings=2/1m', 'limits.sessions=2/1m'] });
  const from = (index: number) => ({
    'x-forwarded-for': `192.0.2.${index}`,
    'x-real-ip': `192.0.2.${index}`,
    forwarded: `for=192.0.2.${index}`,
  });
  const pings = [];
  const sessions = [];
  for (let index = 0; index < 3; index++) {
    const imsi = { ...seed, IMSI: `62401300000000${index}` };
    pings.push((await post(`${services.gateway}/seeds/ping`, imsi, from(index))).status);
    sessions.push(
      (await get(`${services.gateway}/v2/sync/users/user${index}`, { headers: from(index) })).status,
    );
    const socket = openSocket(`${services.sync}/v2/sync/init/alice/${index}`, { headers: from(index) });
    if (index < 2) await socket;
    else await expect(socket).rejects.toThrow('unexpected 429');
  }
  expect([pings, sessions]).toEqual([
    [200, 200, 429],
    [200, 200, 429],
  ]);
});

test('X4 X-Forwarded-For from a trusted proxy is used up to the first untrusted hop', async () => {
  const services = await startAttackedServices({
    set: ['limits.sessions=1/1m', 'api.trusted_proxies=127.0.0.0/8, 10.0.0.1'],
  });
  const statuses: number[] = [];
  for (const [index, chain] of [
    '192.0.2.1',
    '192.0.2.2',
    '203.0.113.7, 192.0.2.1',
    '192.0.2.3, 10.0.0.1',
    '192.0.2.4, 10.0.0.2',
    '192.0.2.5, 10.0.0.2, 10.0.0.1',
    '::ffff:192.0.2.1',
    '2001:db8::1',
    '2001:db8::ffff:2',
    '2001:db8:0:1::1',
  ].entries()) {
    const headers = { 'x-forwarded-for': chain };
    const { status } = await get(`${services.gateway}/v2/sync/users/user${index}`, { headers });
    statuses.push(status);
    const socket = openSocket(`${services.sync}/v2/sync/init/alice/${index}`, { headers });
    if (status === 200) await socket;
    else await expect(socket).rejects.toThrow('unexpected 429');
  }
  expect(statuses).toEqual([200, 200, 429, 200, 200, 429, 429, 200, 429, 200]);
});

test('X5 request smuggling: ambiguous lengths and malformed requests get 400 and no second response', async () => {
  const services = await startAttackedServices();
  const body = JSON.stringify(seed);
  const length = `Content-Length: ${body.length}`;
  const chunked = 'Transfer-Encoding: chunked';
  const chunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const malformed: Record<string, string> = {
    'Content-Length with Transfer-Encoding': request('POST', '/seeds/ping', [json, length, chunked], chunks),
    'the other way round': request('POST', '/seeds/ping', [json, chunked, length], chunks),
    'two Content-Lengths': request('POST', '/seeds/ping', [json, length, 'Content-Length: 5'], body),
    'two that agree': request('POST', '/seeds/ping', [json, length, length], body),
    'a list of lengths': request('POST', '/seeds/ping', [json, `${length}, ${body.length}`], body),
    'a negative length': request('POST', '/seeds/ping', [json, 'Content-Length: -1'], body),
    'a length in hex': request('POST', '/seeds/ping', [json, 'Content-Length: 0x10'], body),
    'a space before the colon': request(
      'POST',
      '/seeds/ping',
      [json, `Content-Length : ${body.length}`],
      body,
    ),
    'an unknown coding': request('POST', '/seeds/ping', [json, 'Transfer-Encoding: xchunked'], chunks),
    'a chunk of bad length': request('POST', '/seeds/ping', [json, chunked], `zz\r\n${body}\r\n0\r\n\r\n`),
    'a folded header': request('GET', '/seeds', ['X-A: b', ' c: d']),
    'a bare CR in a header': request('GET', '/seeds', ['X-A: b\rX-B: c']),
    'a NUL in a header': request('GET', '/seeds', ['X-A: b\0']),
    'no HTTP': 'hello\r\n\r\n',
    'TLS to a plain port': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
  };
  for (const [what, text] of Object.entries(malformed)) {
    const response = await exchange(services.gateway, text);
    expect([what, response.slice(0, 12)]).toEqual([what, 'HTTP/1.1 400']);
    expect([what, response.match(/HTTP\/1\.1/g)?.length]).toEqual([what, 1]);
    expect(response).toMatch(/\r\nContent-Type: text\/plain/i);
    expect(response).toMatch(/\r\nX-Content-Type-Options: nosniff\r\n/i);
  }
  const long = await exchange(services.gateway, request('GET', '/seeds', [`X-A: ${'x'.repeat(20_000)}`]));
  expect(long).toMatch(/^HTTP\/1\.1 431 .*nosniff/is);
  expect(services.storedRecords()).toEqual({});
  await expectService(services);
});
