// Ids of requests: taken from the client or generated, in every response and every log line about the request.

import { describe, expect, test } from 'vitest';
import { logWithRequestId, requestIdOf } from '../../src/http/request-id.ts';
import { rs256, sampleClaims } from '../crypto/token-builder.ts';
import { exchange, request } from '../hostile/raw.ts';
import { startDisconnect } from '../support/disconnect.ts';
import { createMemoryLog, type MemoryLog } from '../support/log.ts';
import { msisdn, startMessaging } from '../support/messaging.ts';
import { createPhone, get, handshakeUrlOf, openSession, post } from '../support/phone.ts';
import { startTestServices } from '../support/services.ts';
import { encryptAsApp } from '../support/sms.ts';
import { openSocket } from '../support/socket.ts';

const made = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('the id', () => {
  test.each(['a', 'A.b_c-9', 'x'.repeat(128)])('%s of the client is used', (given) =>
    expect(requestIdOf(given)).toBe(given),
  );

  test.each([undefined, '', 'x'.repeat(129), 'a b', 'a,b', 'a\nb', 'ä', '{}', ['a']])(
    'a new one is generated instead of %j',
    (given) => {
      expect(requestIdOf(given)).toMatch(made);
      expect(requestIdOf(given)).not.toBe(requestIdOf(given));
    },
  );
});

test('a log with an id puts it first in every line, and leaves the fields as they are', () => {
  const log = createMemoryLog();
  const fields = Object.freeze({ a: 1 });
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    logWithRequestId(log, 'r1')[level](fields, level);
    expect(JSON.stringify(log.lines.at(-1))).toBe(
      `{"level":"${level}","fields":{"requestId":"r1","a":1},"message":"${level}"}`,
    );
  }
});

const given = { 'x-request-id': 'from-the-caller.1' };

describe('responses of the gateway', () => {
  test.each([
    ['a list', 'GET', '/seeds', 200],
    ['a ping that is refused', 'POST', '/seeds/ping', 400],
    ['no such route', 'GET', '/nothing', 404],
    ['a session', 'GET', '/v2/sync/users/alice', 200],
    ['a probe', 'GET', '/livez', 200],
    ['a web page that asks first', 'OPTIONS', '/seeds', 204],
  ])('%s', async (_what, method, path, status) => {
    const { gateway } = await startTestServices();
    const headers = { ...given, origin: 'https://app.example.org', 'access-control-request-method': 'GET' };
    const mine = await get(`${gateway}${path}`, { method, headers });
    expect([mine.status, mine.headers.get('x-request-id')]).toEqual([status, 'from-the-caller.1']);
    const other = await get(`${gateway}${path}`, { method });
    expect(other.headers.get('x-request-id')).toMatch(made);
  });

  test('errors that come before any route', async () => {
    const { gateway, log } = await startTestServices();
    const response = await exchange(gateway, request('GET', '/%zz', ['X-Request-Id: r1'], ''));
    expect(response).toMatch(/^HTTP\/1\.1 400 /);
    expect(response.toLowerCase()).toContain('x-request-id: r1\r\n');
    expect(log.lines.at(-1)).toMatchObject({ fields: { requestId: 'r1', status: 400 }, message: 'request' });
  });
});

test('responses of the disconnect service, with legacy_status too', async () => {
  const service = await startDisconnect({ set: ['disconnect.legacy_status=true'] });
  for (const path of ['/disconnect', '/disconnect?token=x', '/nothing', '/livez']) {
    const { headers } = await get(`${service.url}${path}`, { headers: given });
    expect(headers.get('x-request-id')).toBe('from-the-caller.1');
  }
});

test('responses of the sync service: sockets, rejections and plain HTTP', async () => {
  const { sync, log } = await startTestServices();
  const http = sync.replace('ws:', 'http:');
  expect((await get(http, { headers: given })).headers.get('x-request-id')).toBe('from-the-caller.1');
  expect((await get(`${http}/livez`)).headers.get('x-request-id')).toMatch(made);
  const upgrade = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'X-Request-Id: r1',
  ];
  const refused = await exchange(sync, request('GET', '/nothing', upgrade, ''));
  expect(refused).toMatch(/^HTTP\/1\.1 404 [\s\S]*x-request-id: r1\r\n/);

  const socket = await openSocket(`${sync}/v2/sync/init/111/000`, { headers: given });
  await socket.next();
  expect(log.lines.find(({ fields }) => 'status' in fields && fields.status === 101)).toMatchObject({
    level: 'info',
    fields: { requestId: 'from-the-caller.1', method: 'GET', route: '/v2/sync/init' },
  });
});

describe('lines about what a request does carry its id', () => {
  const linesOf = (log: MemoryLog, message: string) =>
    log.lines.filter((line) => line.message === message).map(({ fields }) => fields);

  test('an SMS, for us or not', async () => {
    const services = await startMessaging();
    await services.post({ text: encryptAsApp(services.sharedKey, 'g:a@b.org:::s:b'), MSISDN: msisdn }, given);
    await services.post({ text: encryptAsApp('0'.repeat(32), 'g:a@b.org:::s:b'), MSISDN: msisdn }, given);
    const mine = { requestId: 'from-the-caller.1', id: expect.any(String) };
    expect(linesOf(services.log, 'published')).toEqual([mine]);
    expect(linesOf(services.log, 'an SMS is refused')).toMatchObject([
      { ...mine, platform: 'gateway-client' },
    ]);
  });

  test('one wrong password too many', async () => {
    const { gateway, log } = await startTestServices({ set: ['limits.passwords=1/1h'] });
    const url = handshakeUrlOf(gateway, await openSession(gateway, 'alice'));
    const phone = createPhone();
    await post(url, { public_key: phone.publicKeyPem });
    const guess = () => post(url.replace('/handshake', ''), { password: 'AAAA' }, given);
    expect([(await guess()).status, (await guess()).status]).toEqual([401, 429]);
    expect(linesOf(log, 'too many wrong passwords')).toMatchObject([{ requestId: 'from-the-caller.1' }]);
  });

  test('a user who is logged out, or is not', async () => {
    const { url, log, pcrf } = await startDisconnect();
    const logOut = () => get(`${url}/disconnect?token=${rs256(sampleClaims)}`, { headers: given });
    await logOut();
    await pcrf.close();
    await logOut();
    for (const message of ['logged out', 'not logged out']) {
      expect(linesOf(log, message)).toMatchObject([{ requestId: 'from-the-caller.1' }]);
    }
  });
});

describe('lines about requests', () => {
  const linesOf = async (call: (gateway: string) => Promise<unknown>) => {
    const { gateway, log } = await startTestServices();
    await call(gateway);
    return log.lines.filter(({ message }) => message.startsWith('request'));
  };

  test('are at debug for frequent requests, and for those that shed load', async () => {
    const lines = await linesOf(async (gateway) => {
      await get(`${gateway}/seeds`);
      await post(`${gateway}/seeds/ping`, {});
      await get(`${gateway}/readyz`);
    });
    expect(lines.map(({ level, fields }) => ({ level, ...fields }))).toMatchObject([
      { level: 'debug', method: 'GET', route: '/seeds', status: 200, ms: expect.any(Number) },
      { level: 'debug', method: 'POST', route: '/seeds/ping', status: 400 },
      { level: 'debug', route: '/readyz', status: 200 },
    ]);
  });

  test('name the pattern of the route, never the URL', async () => {
    const lines = await linesOf((gateway) => get(`${gateway}/v2/sync/users/alice?token=hunter2`));
    expect(lines).toMatchObject([
      { level: 'info', fields: { route: '/v2/sync/users/:userId', status: 200 } },
    ]);
    const unknown = await linesOf((gateway) => get(`${gateway}/hunter2?hunter2`));
    expect(unknown).toMatchObject([{ level: 'info', fields: { route: undefined, status: 404 } }]);
    expect(JSON.stringify([lines, unknown])).not.toContain('hunter2');
  });

  test('say why it failed, once; at warn what anybody can request that is not set up', async () => {
    // Without a broker no SMS can be sent.
    const services = await startTestServices();
    const body = { auth_id: 'dev', auth_key: 'k', data: [{ number: '+237650393369', text: 'hi' }] };
    expect((await post(`${services.gateway}/v1/sms`, body, given)).status).toBe(503);
    expect(services.log.lines.filter(({ message }) => message === 'request failed')).toEqual([
      {
        level: 'warn',
        message: 'request failed',
        fields: {
          requestId: 'from-the-caller.1',
          client: '127.0.0.1',
          method: 'POST',
          route: '/v1/sms',
          status: 503,
          ms: expect.any(Number),
          error: expect.stringContaining('broker'),
        },
      },
    ]);
  });
});
