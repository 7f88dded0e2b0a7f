// Who may read /metrics, and what is counted there.

import { expect, test } from 'vitest';
import { goodToken, requestDisconnect as logOut, startDisconnect } from '../support/disconnect.ts';
import { startMessaging } from '../support/messaging.ts';
import { createPhone, get, openSession, pair, post } from '../support/phone.ts';
import { startTestServices } from '../support/services.ts';
import { metric, overHttp } from './probes.ts';

test('metrics: an address that is not allowed gets the response of an unknown path', async () => {
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

test('metrics behind a proxy: a trusted proxy passes on the client, an untrusted one is refused', async () => {
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

test('messages are counted by response, and waiting ones are shown', async () => {
  const { gateway, send, post: postSms, publisher } = await startMessaging();
  const answered = (name: string) => metric(gateway, `swob_inbound_sms_total{outcome="${name}"}`);
  await send('a:b:c');
  await postSms({ text: 'not ours', MSISDN: '+237650393369' });
  expect([await answered('published'), await answered('refused')]).toEqual([1, 1]);
  await publisher.close();
  await send('d:e:f');
  expect(await answered('accepted')).toBe(1);
  expect(await metric(gateway, 'swob_outbox_entries{kind="message",state="waiting"}')).toBe(1);
  expect(await metric(gateway, 'swob_outbox_entries{kind="message",state="dead_lettered"}')).toBe(0);
  expect(await metric(gateway, 'swob_upstream_connections{upstream="publisher",state="in_use"}')).toBe(0);
});

test('messages and callbacks that are dead-lettered are counted by kind', async () => {
  const { gateway, send, publisher } = await startMessaging({ set: ['broker.url=amqp://127.0.0.1:1'] });
  const counts = async () => [
    await metric(gateway, 'swob_outbox_dead_lettered_total{kind="message"}'),
    await metric(gateway, 'swob_outbox_dead_lettered_total{kind="callback"}'),
  ];
  publisher.setMode('reject');
  await send('a:b:c');
  await expect.poll(counts).toEqual([1, 0]);
  // No SMS can be sent, and the callback's address is not public.
  const callback_url = `${gateway}/livez`;
  const data = [{ number: '+237650393369', text: '' }];
  const response = await post(`${gateway}/v1/sms`, { auth_id: 'dev1', auth_key: 'key', callback_url, data });
  expect(response.status).toBe(200);
  await expect.poll(counts).toEqual([1, 1]);
});

test('disconnects are counted by outcome', async () => {
  const service = await startDisconnect();
  await logOut(service, goodToken);
  await logOut(service, `${goodToken.slice(0, -6)}AAAAAA`);
  const count = (name: string) => metric(service.url, `swob_disconnects_total{outcome="${name}"}`);
  expect([await count('done'), await count('token_refused'), await count('pcrf_failed')]).toEqual([1, 1, 0]);
  expect(await metric(service.url, 'swob_upstream_connections{upstream="pcrf",state="idle"}')).toBe(1);
});

test('cardinality attack: ids and paths of clients add no series and never appear in the metrics', async () => {
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
