// swob/testing in the process of a test: two playgrounds at once, phones, tokens, and stubs alone.

import { createSocket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, expectTypeOf, onTestFinished, test } from 'vitest';
import { textAttribute } from '../../src/radius/attributes.ts';
import { sealRequest } from '../../src/radius/authenticators.ts';
import type { BasicMode } from '../../src/stubs/basic-modes.ts';
import type { RunningDeveloperStub } from '../../src/stubs/developer.ts';
import type { NasMode } from '../../src/stubs/nas-modes.ts';
import type { PcrfMode } from '../../src/stubs/pcrf-modes.ts';
import type { PublisherMode } from '../../src/stubs/publisher.ts';
import type * as declared from '../../src/testing/declarations.d.ts';
import * as testing from '../../src/testing/index.ts';
import { patient } from '../support/patience.ts';

const {
  mintToken,
  phone,
  playground,
  stubCallbacks,
  stubDeveloper,
  stubNas,
  stubPcrf,
  stubPublisher,
  stubUsers,
} = testing;
const bob = { id: 'bob', password: 'staple', msisdn: '+237650393370' };

let services: declared.Playground;
beforeAll(async () => {
  services = await playground({ users: [bob], config: { 'seeds.expiry': '7s' } });
});
afterAll(() => services.close());
beforeEach(() => Promise.all([services.stubs.publisher.clear(), services.stubs.pcrf.clear()]));

const post = async (url: string, body: object): Promise<{ status: number; body: unknown }> => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
};

test('phones of several users pair, send SMS and ping', async () => {
  const [alice, other] = [
    await phone(services),
    await phone(services, { user: bob, imsi: '624020123456789' }),
  ];
  expect(await alice.send('g:bob@example.org:::Hello:I am well 📨')).toEqual({
    status: 200,
    text: 'message published successfully',
    id: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  await other.send('g:alice@example.org:::Re:Me too');
  expect(services.stubs.publisher.messages().map(({ MSISDN, message }) => [MSISDN, message])).toEqual([
    [services.user.msisdn, 'g:bob@example.org:::Hello:I am well 📨'],
    [bob.msisdn, 'g:alice@example.org:::Re:Me too'],
  ]);
  expect(await other.ping('seeder')).toBeCloseTo(Date.now() / 1_000, -2);
  expect(await (await fetch(`${services.urls.gateway}/seeds`)).text()).toContain(bob.msisdn);
  expect(alice.sharedKey).not.toBe(other.sharedKey);
});

test('a failing Publisher delays an SMS, and the phone is told that it was accepted', async () => {
  const alice = await phone(services);
  services.stubs.publisher.setMode('refuse', { count: 1 });
  expect(await alice.send('g:bob@example.org:::Hello:again')).toMatchObject({
    status: 202,
    text: 'message accepted',
  });
  const received = ['message~=again$'];
  await services.stubs.publisher.verify({
    received: [...received, 'status=200'],
    times: 1,
    withinMs: 60_000,
  });
  await services.stubs.publisher.verify({ received, times: '>=2' });
  await expect(services.stubs.publisher.verify({ received, times: 0 })).rejects.toThrow(
    /^expected exactly 0 requests with message~=again\$: 2 of 2 received\n {2}matches .*\/publish 500 /,
  );
});

test('a wrong password does not pair', async () => {
  await expect(phone(services, { user: { ...bob, password: 'wrong' } })).rejects.toThrow(
    'failed to authenticate',
  );
});

test('tokens are accepted, and refused for the claims that a test changes', async () => {
  const disconnect = (token: string) => post(`${services.urls.disconnect}/disconnect`, { token });
  expect(await disconnect(mintToken(services))).toEqual({ status: 200, body: { success: true } });
  expect(services.stubs.pcrf.requests()[0]?.query).toContainEqual(['session', '5692549928996307964']);
  expect(await disconnect(mintToken(services, { sessionId: '7' }))).toMatchObject({ status: 200 });
  expect(services.stubs.pcrf.requests()[1]?.query).toContainEqual(['session', '7']);
  expect((await disconnect(mintToken(services, { exp: 1 }))).status).not.toBe(200);
  expect((await disconnect(mintToken(services, { vrf: undefined }))).status).not.toBe(200);
});

test('the values of a playground are those that scripts get', () => {
  expect(services.env).toMatchObject({
    SWOB_CONFIG: services.configFile,
    PLAYGROUND_GATEWAY_URL: services.urls.gateway,
    PLAYGROUND_ADMIN_TOKEN: services.adminToken,
  });
});

test('a second playground is independent, logs to the test, and leaves nothing', async () => {
  const lines: string[] = [];
  const second = await playground({
    users: [bob],
    seedData: true,
    // Without a relay, the gateway refuses what it cannot decrypt.
    config: { 'relay.url': '', 'disconnect.backend': 'radius' },
    onLog: (line) => lines.push(line),
  });
  const seeds = await (await fetch(`${second.urls.gateway}/seeds`)).json();
  expect(seeds).toHaveLength(3);
  const strangersPhone = await phone(second, { user: { ...bob, msisdn: '+237650399999' } });
  expect(await strangersPhone.send('hello')).toMatchObject({ status: 200, id: undefined });
  expect(second.stubs.publisher.messages()).toEqual([]);
  const { status } = await post(`${second.urls.disconnect}/disconnect`, { token: mintToken(second) });
  expect(status).toBe(200);
  await second.stubs.nas.verify({
    received: [`session=${second.session.sessionId}`, 'answer=Disconnect-ACK'],
    times: 1,
  });
  expect([second.stubs.pcrf.requests(), services.stubs.nas.journal()]).toEqual([[], []]);
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) expect(JSON.parse(line)).toHaveProperty('msg');
  await second[Symbol.asyncDispose]();
  await second.close();
  expect(existsSync(second.folder)).toBe(false);
  await expect(phone(second)).rejects.toThrow();
  await expect(fetch(`${second.urls.gateway}/seeds`)).rejects.toThrow();
  expect((await fetch(`${services.urls.gateway}/seeds`)).status).toBe(200);
});

test('an unknown configuration key is refused', async () => {
  await expect(playground({ config: { 'seeds.expire': '7s' } })).rejects.toThrow('seeds.expire');
});

test('the NAS stub answers RADIUS, and can be verified', async () => {
  const nas = await stubNas({ sessions: [{ sessionId: '1' }] });
  onTestFinished(() => nas.close());
  const request = sealRequest(
    { code: 40, identifier: 1, attributes: [textAttribute(44, '1')] },
    Buffer.from('testing123'),
  );
  const socket = createSocket('udp4');
  onTestFinished(() => void socket.close());
  socket.send(request, nas.radius.port, '127.0.0.1');
  await nas.verify({ received: ['session=1', 'answer=Disconnect-ACK'], times: 1, withinMs: patient(10_000) });
  expect(nas.sessions()).toEqual([]);
});

test('stubs work without a playground', async () => {
  const stubs = await Promise.all([
    stubPublisher({ mode: 'reject' }),
    stubPcrf({ sessions: [] }),
    stubDeveloper({ numbers: { '+237650393369': 'alice' } }),
    stubUsers({ users: { alice: 'secret' } }),
    stubCallbacks({ behaviour: [{ mode: 'refuse' }, { mode: 'slow', ms: 1, times: 2 }] }),
  ]);
  const [publisher, , developer, users, callbacks] = stubs;
  expect((await post(publisher.url, { MSISDN: '+237650393369', message: 'x' })).status).toBe(400);
  expect(await post(`${developer.url}/users`, { phone_number: '+237650393369' })).toEqual({
    status: 200,
    body: { user_id: 'alice' },
  });
  expect(developer.requests()).toHaveLength(1);
  expect(developer.journal()).toMatchObject([{ path: '/users', status: 200 }]);
  await developer.clear();
  expect([...developer.requests(), ...developer.journal()]).toEqual([]);
  expect((await post(`${users.url}/v2/users/alice/verify`, { password: 'secret' })).status).toBe(200);
  for (const status of [500, 204, 204]) {
    const options = { method: 'POST', body: '{}', headers: { connection: 'close' } };
    expect((await fetch(callbacks.url, options)).status).toBe(status);
  }
  await callbacks.verify({ received: ['status=204'], times: 2 });
  for (const stub of stubs) await stub[Symbol.asyncDispose]();
  await expect(fetch(publisher.url)).rejects.toThrow();
});

test('the declarations have every function and every mode', () => {
  expectTypeOf<keyof typeof testing>().toEqualTypeOf<keyof typeof declared>();
  expectTypeOf<declared.PublisherMode>().toEqualTypeOf<PublisherMode>();
  expectTypeOf<declared.BasicMode>().toEqualTypeOf<BasicMode>();
  expectTypeOf<declared.PcrfMode>().toEqualTypeOf<PcrfMode>();
  expectTypeOf<declared.NasMode>().toEqualTypeOf<NasMode>();
  expectTypeOf<declared.DeveloperMode>().toEqualTypeOf<Parameters<RunningDeveloperStub['setMode']>[0]>();
});
