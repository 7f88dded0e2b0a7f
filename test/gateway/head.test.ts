// HEAD works wherever GET does: the same status and headers without a body, on every service and stand-in.

import { expect, test } from 'vitest';
import { startDeveloperStub } from '../../src/stubs/developer.ts';
import { startPcrfStub } from '../../src/stubs/pcrf.ts';
import { startPublisherStub } from '../../src/stubs/publisher.ts';
import { startUsersStub } from '../../src/stubs/users.ts';
import { startDisconnect } from '../support/disconnect.ts';
import { get, post } from '../support/phone.ts';
import { startTestServices } from '../support/services.ts';

const headersThatCount = ['content-type', 'content-length', 'cache-control', 'x-content-type-options'];

async function expectHead(url: string, status = 200): Promise<void> {
  const full = await get(url);
  const head = await get(url, { method: 'HEAD' });
  expect([url, full.status, head.status, head.text]).toEqual([url, status, status, '']);
  for (const name of headersThatCount) {
    // The body of a probe contains its duration, so its length varies.
    if (name === 'content-length' && /readyz|metrics/.test(url)) continue;
    expect([url, name, head.headers.get(name)]).toEqual([url, name, full.headers.get(name)]);
  }
}

test('the gateway', async () => {
  const { gateway, sync } = await startTestServices();
  const seed = { IMSI: '624012345678901', MSISDN: '+237650000001', seed_type: 'seeder' };
  await post(`${gateway}/seeds/ping`, seed);
  const paths = ['/seeds', '/seeders', `/seeds/${seed.IMSI}`, '/v2/sync/users/alice', '/docs/json', '/livez'];
  for (const path of [...paths, '/readyz', '/metrics']) await expectHead(`${gateway}${path}`);
  await expectHead(`${gateway}/sms/failed`, 401);
  await expectHead(`${gateway}/nothing`, 404);
  await expectHead(`${gateway}/seeds/a%20b`, 400);
  const plain = sync.replace(/^ws/, 'http');
  for (const path of ['/livez', '/readyz', '/metrics']) await expectHead(`${plain}${path}`);
  await expectHead(`${plain}/nothing`, 426);
});

test('the disconnect service: its probes; HEAD of /disconnect logs no user out', async () => {
  const { url, calls } = await startDisconnect();
  for (const path of ['/livez', '/readyz', '/metrics']) await expectHead(`${url}${path}`);
  expect((await get(`${url}/disconnect`, { method: 'HEAD' })).status).toBe(405);
  expect(calls()).toBe(0);
});

test('the stand-ins, of which the PCRF ends no session on HEAD', async () => {
  const at = { host: '127.0.0.1', port: 0 };
  const session = { sessionId: '1', nasIp: '192.0.2.1', vrf: '1', clientMac: '00-00-00-00-00-01' };
  const users = await startUsersStub({ ...at, users: new Map([['alice', 'x']]) });
  const developer = await startDeveloperStub(at);
  const publisher = await startPublisherStub(at);
  const pcrf = await startPcrfStub({ ...at, sessions: [session] });
  try {
    await expectHead(`${users.url}/logos/gmail.svg`);
    await expectHead(`${users.url}/v2/users/alice/platforms`, 401);
    await expectHead(`${developer.url}/__requests`);
    await expectHead(`${publisher.url}/__messages`);
    await expectHead(`${pcrf.url}/__sessions`);
    const head = await get(`${pcrf.url}/account/disconnect?session=1`, { method: 'HEAD' });
    expect(head.status).toBe(404);
    expect(JSON.parse((await get(`${pcrf.url}/__sessions`)).text)).toEqual([session]);
  } finally {
    await Promise.all([users, developer, publisher, pcrf].map((stub) => stub.close()));
  }
});
