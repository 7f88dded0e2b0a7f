// Reports on outgoing SMS, and queries and cancellation by developers: docs/protocol.md, R7.

import { expect, test } from 'vitest';
import { createStatusToken } from '../../src/crypto/status-token.ts';
import { developerExchangeName } from '../../src/domain/outgoing/broker-names.ts';
import { connectClient, openChannel } from '../support/amqp-client.ts';
import { bindDekuPhone } from '../support/deku-phone.ts';
import { effort } from '../support/effort.ts';
import { startMessaging } from '../support/messaging.ts';
import { get, post } from '../support/phone.ts';
import { rabbitForFile } from '../support/rabbitmq.ts';
import { sharedByFile } from '../support/teardown.ts';

const rabbit = rabbitForFile();
const secret = '0123456789abcdef0123456789abcdef';
const number = '+237650393369';
const one = { auth_id: 'one', auth_key: 'key of one' };
const two = { auth_id: 'two', auth_key: 'key of two' };

/** A gateway, and two developers; one has a phone. */
const world = sharedByFile(async () => {
  const services = await startMessaging({
    developers: new Map([one, two].map(({ auth_id, auth_key }) => [auth_id, auth_key])),
    set: [`broker.url=${rabbit().url}`, `outgoing.status_secret=${secret}`, 'limits.sms=off'],
  });
  const channel = await openChannel(await connectClient(rabbit().url));
  const exchange = developerExchangeName('one');
  await bindDekuPhone(channel, exchange, `${exchange}.237.62401`);
  return services;
});

const token = createStatusToken(secret, 'one');
const bearer = { authorization: `Bearer ${token}` };
const basic = ({ auth_id, auth_key }: typeof one) => ({
  authorization: `Basic ${Buffer.from(`${auth_id}:${auth_key}`).toString('base64')}`,
});

let requests = 0;
async function send(more: object = {}, text = 'hello'): Promise<{ uuid: string; id: string }> {
  const uuid = `request-${++requests}`;
  const body = { ...one, uuid, data: [{ number, text }], ...more };
  const response = await post(`${world().gateway}/v1/sms`, body);
  expect([response.status, JSON.parse(response.text).errors]).toEqual([200, []]);
  return { uuid, id: JSON.parse(response.text).messages[0].id };
}

async function report(body: unknown, headers: Record<string, string> = bearer, path = '/v1/status/one') {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const { status } = await post(`${world().gateway}${path}`, text, headers);
  return status;
}

const call = (path: string, method = 'GET', headers: Record<string, string> = basic(one)) =>
  get(`${world().gateway}/v1/sms/${path}`, { method, headers });

async function stateOf({ uuid, id }: { uuid: string; id: string }): Promise<string> {
  const { status, text } = await call(`${uuid}/messages/${id}`);
  expect(status).toBe(200);
  return JSON.parse(text).state;
}

test('R7: a report without the token of its developer gets 401, and the log has no token', async () => {
  const sent = await send();
  const body = { status: 'failed', id: sent.id };
  const others = createStatusToken(secret, 'two');
  const forged = createStatusToken('f'.repeat(32), 'one');
  for (const wrong of ['', 'x', others, forged, `${token}x`, token.toUpperCase(), token.slice(0, -1)]) {
    expect(await report(body, { authorization: `Bearer ${wrong}` }), wrong).toBe(401);
    expect(await report(body, {}, `/v1/status/one?token=${encodeURIComponent(wrong)}`), wrong).toBe(401);
  }
  expect(await report(body, {})).toBe(401);
  expect(await report(body, {}, `/v1/status/one?token=${token}&token=${token}`)).toBe(401);
  // Before the body is read.
  expect(await report('{', {})).toBe(401);
  expect(await report(body, bearer, '/v1/status/two')).toBe(401);
  expect(await stateOf(sent)).toBe('queued');
  expect(await report({ ...body, status: 'sent' }, {}, `/v1/status/one?token=${token}`)).toBe(200);
  expect(await stateOf(sent)).toBe('sent');
  const logged = JSON.stringify(world().log.lines);
  for (const each of [token, others, forged]) expect(logged).not.toContain(each.split('.')[1]);
});

test("R7: a report on an unknown message, or another developer's, gets 404, and a malformed one 400", async () => {
  const sent = await send();
  const others = { authorization: `Bearer ${createStatusToken(secret, 'two')}` };
  expect(await report({ status: 'failed', id: sent.id }, others, '/v1/status/two')).toBe(404);
  for (const id of ['0', '-1', `-${sent.id}`, `${sent.id} `, `0${sent.id}`, '__proto__', 'constructor', ''])
    expect(await report({ status: 'failed', id, sid: '1' }), id).toBe(404);
  for (const id of [-1, 0.5, 1e21, 2 ** 31]) expect(await report({ status: 'failed', id })).toBe(404);
  expect(await report({ status: 'failed' })).toBe(404);
  const given = `"id":"${sent.id}"`;
  for (const body of [
    ...['{}', '[]', '[1]', 'true', '[{"a":1}]', `"${'9'.repeat(10_000)}"`].map(
      (id) => `{"status":"failed","id":${id}}`,
    ),
    ...['0', '-1', '1.5', '256', '1e400', '"1"', '[1]'].map(
      (part) => `{"status":"failed",${given},"part":${part}}`,
    ),
    `{"status":"failed",${given},"part":3,"parts":2}`,
    `{"status":"failed",${given},"part":1,"parts":0}`,
    `{"status":"failed",${given},"part":1,"parts":256}`,
    `{"status":"failed",${given},"reason":"${'x'.repeat(201)}"}`,
    `{"status":"expired",${given}}`,
    `{"status":"FAILED",${given}}`,
    `{"type":"SMS_TYPE_INBOUND","status":"failed",${given}}`,
    `{${given}}`,
    '[]',
    '{',
  ]) {
    expect(await report(body), body.slice(0, 80)).toBe(400);
  }
  expect([400, 404]).toContain(await report('{"status":"failed","id":1e400}'));
  expect(await report(`{"status":"failed",${given},"reason":"${'x'.repeat(20_000)}"}`)).toBe(413);
  expect(await stateOf(sent)).toBe('queued');
  // DekuSMS gives the id of its SIM as sid.
  expect(await report({ type: 'SMS_TYPE_STATUS', status: 'sent', id: Number(sent.id), sid: '1' })).toBe(200);
  expect(await stateOf(sent)).toBe('sent');
});

test('R7: states never go back, whatever a phone reports', async () => {
  const sent = await send();
  for (const status of ['delivered', 'sent', 'failed', 'delivered'])
    expect(await report({ status, sid: sent.id })).toBe(200);
  expect(await stateOf(sent)).toBe('delivered');
  const failing = await send({}, 'x'.repeat(200));
  expect(await report({ status: 'sent', id: failing.id, part: 1 })).toBe(200);
  expect(await stateOf(failing)).toBe('queued');
  expect(await report({ status: 'failed', id: failing.id, part: 2 })).toBe(200);
  expect(await report({ status: 'delivered', id: failing.id })).toBe(200);
  expect(await stateOf(failing)).toBe('failed');
});

test("queries and cancellations of another developer's SMS get what unknown ones get", async () => {
  const schedule_at = new Date(world().clock.now() + 3_600_000).toISOString();
  const { uuid, id } = await send({ schedule_at });
  for (const method of ['GET', 'DELETE']) {
    for (const suffix of ['', `/messages/${id}`]) {
      const others = await call(`${uuid}${suffix}`, method, basic(two));
      const unknown = await call(`nothing${suffix}`, method, basic(two));
      expect([others.status, others.text]).toEqual([404, unknown.text]);
      expect((await call(`${uuid}${suffix}`, method, {})).status).toBe(401);
    }
    for (const bad of ['0', '-1', 'x', '1e3', '9'.repeat(11), '%00', '..%2f1'])
      expect([400, 404]).toContain((await call(`${uuid}/messages/${bad}`, method)).status);
    expect((await call('x'.repeat(129), method)).status).toBe(400);
  }
  // No phone can have it yet.
  expect(await report({ status: 'failed', id })).toBe(200);
  expect(await stateOf({ uuid, id })).toBe('queued');
  expect((await call(`${uuid}/messages/${id}`, 'DELETE')).status).toBe(200);
  expect((await call(`${uuid}/messages/${id}`, 'DELETE')).status).toBe(200);
  expect(await stateOf({ uuid, id })).toBe('cancelled');
});

test('times that are not times, have no offset, or make no sense get 400', async () => {
  const at = (text: string) => ({ schedule_at: text });
  const later = new Date(world().clock.now() + 86_400_000).toISOString();
  for (const wrong of [
    ...['9999-12-31T23:59:59Z', '2026-04-31T10:00:00Z', '2025-02-29T10:00:00Z', '2026-12-24T18:00:00'].map(
      at,
    ),
    ...['tomorrow', '1777777777', '2026-12-24', '+275760-09-13T00:00:00Z', '2026-12-24T25:00:00Z'].map(at),
    ...['2026-12-24T18:00:00+25:99', `2026-12-24T18:00:00${' '.repeat(50)}Z`].map(at),
    ...[0, -1, 1e9, 0.5, '1e9', [], {}].map((ttl) => ({ ttl })),
    { schedule_at: 1_777_777_777 },
    { ttl: 60, valid_until: later },
    { valid_until: '1970-01-01T00:00:00Z' },
    { schedule_at: later, valid_until: later },
  ]) {
    const body = { ...one, data: [{ number, text: 'no' }], ...wrong };
    expect((await post(`${world().gateway}/v1/sms`, body)).status, JSON.stringify(wrong)).toBe(400);
  }
  // A time that is over means now, and a far end means that nothing expires.
  const sent = await send({ schedule_at: '1970-01-01T00:00:00Z', valid_until: '9999-12-31T23:59:59Z' });
  expect(await report({ status: 'delivered', id: sent.id })).toBe(200);
  expect(await stateOf(sent)).toBe('delivered');
});

test(`${200 * effort} concurrent reports are answered, and the next one too`, async () => {
  const sent = await send({}, 'x'.repeat(1_000));
  const parts = Array.from({ length: 200 * effort }, (_, n) => ({
    status: n % 2 === 0 ? 'delivered' : 'sent',
    id: n % 3 === 0 ? `${n}` : sent.id,
    part: 1 + (n % 7),
    parts: 7,
  }));
  const statuses = await Promise.all(parts.map((each) => report(each)));
  expect(new Set(statuses)).toEqual(new Set([200, 404]));
  expect(await stateOf(sent)).toBe('delivered');
});

test('guesses of a key are limited, also by queries', async () => {
  const statuses: number[] = [];
  for (let n = 0; n < 7; n++) {
    const wrong = { ...two, auth_key: `guess ${n}` };
    statuses.push((await call('request-1', n % 2 === 0 ? 'GET' : 'DELETE', basic(wrong))).status);
  }
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
});
