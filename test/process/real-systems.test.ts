// Pairing and publishing through the real binary, with upstream systems that behave like the real ones of June 2022
// and share no code with swob (peers/systems.py): developer API and back end on two hosts, cookies for neither.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startProcess, startSwob } from '../support/binary.ts';
import { needs, python } from '../support/needs.ts';
import {
  createPhone,
  decryptWith,
  encryptFor,
  handshakeUrlOf,
  openSession,
  post,
  shakeHands,
} from '../support/phone.ts';
import { encryptAsApp } from '../support/sms.ts';
import { createInstallation, inspectStore } from './installation.ts';

const user = 'e0b1c2d3-0000-11ec-8000-000000000001';
const password = 'correct horse';
const number = '+237650393369';

/** `[system, method, path, status, user agent]`, or `['published', number, message]`. */
type Line = readonly (string | number | null)[];

async function startSystems(folder: string) {
  const systems = startProcess(
    python,
    [join(import.meta.dirname, 'peers', 'systems.py'), user, password, number],
    { cwd: folder },
  );
  await systems.waitForOutput('stdout', '\n');
  const ports: Record<'users' | 'developer' | 'backend' | 'publisher', number> = JSON.parse(
    systems.stdout().split('\n')[0] ?? '',
  );
  const lines = (): Line[] =>
    systems
      .stdout()
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => JSON.parse(line));
  return {
    ports,
    /** The requests that one system received. */
    requests: (system: string) =>
      lines().filter(([name, , path]) => name === system && !String(path).startsWith('/v1/sessions/')),
    published: () => lines().filter(([name]) => name === 'published'),
    forgetSessions: () => post(`http://127.0.0.1:${ports.developer}/__forget`, {}),
  };
}

test('a phone pairs and publishes, spam is dropped, and an expired back-end session is renewed', async (context) => {
  needs(context, { command: python });
  const { folder, data } = await createInstallation();
  const systems = await startSystems(folder);
  const users = `http://127.0.0.1:${systems.ports.users}`;
  const set = [
    'api.state=production',
    `user_management_api.api_url=${users}`,
    `user_management_api.verification_url=${users}/v2/users/%s/verify`,
    `user_management_api.platforms_url=http://localhost:${systems.ports.users}/v2/users/%s/platforms`,
    `dev_api.authentication_url=http://localhost:${systems.ports.developer}/v1/authenticate`,
    'dev_api.auth_id=ours',
    'dev_api.auth_key=our-secret',
    `backend_publisher.port=${systems.ports.backend}`,
    'backend_publisher.endpoint=/v2/whoami',
    'backend_publisher.cache_ttl=0s',
    `publisher.port=${systems.ports.publisher}`,
  ];
  const swob = await startSwob(['serve', 'gateway', ...set.flatMap((each) => ['--set', each])], {
    cwd: folder,
  });
  const { url } = swob.ready.gateway;

  const phone = createPhone();
  const { publicKey, verificationUrl } = await shakeHands(
    handshakeUrlOf(url, await openSession(url, user)),
    phone,
  );
  const offer = (tried: string) =>
    post(verificationUrl, { password: encryptFor(publicKey, Buffer.from(tried)).toString('base64') });
  for (const wrong of ['wrong horse', 'short']) {
    expect(await offer(wrong)).toMatchObject({ status: 401, text: 'failed to authenticate' });
  }
  const paired = await offer(password);
  expect([paired.status, JSON.parse(paired.text).user_platforms]).toEqual([
    200,
    [expect.objectContaining({ name: 'gmail', logo: `${users}/public/gmail-icon.svg` })],
  ]);
  const key = decryptWith(
    phone.privateKey,
    Buffer.from(JSON.parse(paired.text).shared_key, 'base64'),
  ).toString();

  const send = async (message: string, MSISDN: string) => {
    const text = encryptAsApp(key, message);
    const response = await post(`${url}/sms/platform/gateway-client`, { text, MSISDN });
    return [response.status, response.text];
  };
  const published = [200, 'message published successfully'];
  expect(await send('g:bob@example.org:::Hello:Привет 📨', number)).toEqual(published);
  for (const stranger of ['+237650393360', '+237650393361', '+4915112345678']) {
    expect(await send('g:spam', stranger)).toEqual([200, 'message cannot be published']);
  }
  // All requests used one sign-in.
  expect(systems.requests('developer')).toEqual([['developer', 'POST', '/v1/authenticate', 200, 'swob']]);
  await systems.forgetSessions();
  expect(await send('t:after the sessions ended', number)).toEqual(published);
  await systems.forgetSessions();
  expect(await send('g:spam again', '+237650393362')).toEqual([200, 'message cannot be published']);

  expect(systems.published()).toEqual([
    ['published', number, 'g:bob@example.org:::Hello:Привет 📨'],
    ['published', number, 't:after the sessions ended'],
  ]);
  expect(
    systems.requests('users').map(([, method, path, status, agent]) => [method, path, status, agent]),
  ).toEqual([
    ['POST', `/v2/users/${user}/verify`, 401, 'swob'],
    ['POST', `/v2/users/${user}/verify`, 400, 'swob'],
    ['POST', `/v2/users/${user}/verify`, 200, 'swob'],
    ['GET', `/v2/users/${user}/platforms`, 200, 'swob'],
  ]);
  for (const system of ['backend', 'publisher']) {
    expect(new Set(systems.requests(system).map(([, , , , agent]) => agent))).toEqual(new Set(['swob']));
  }
  swob.kill('SIGTERM');
  await swob.exit;
  // The spam was not stored.
  expect(await inspectStore(data, (store) => store.inbound.nextDueAt())).toBeUndefined();
});
