// The real binary where the name that it listens on has two addresses.

import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { runSwob, startSwob } from '../support/binary.ts';
import { needs } from '../support/needs.ts';
import { get, openSession } from '../support/phone.ts';
import { freePort } from '../support/ports.ts';
import { openSocket } from '../support/socket.ts';
import { environmentWithTwoAddresses, urlsOf } from '../support/two-addresses.ts';
import { requestOnce, startWorkers } from '../support/workers.ts';
import { makeKeys } from './disconnect-service.ts';
import { createInstallation } from './installation.ts';

const onLocalhost = ['api', 'websocket', 'disconnect'].flatMap((each) => ['--set', `${each}.host=localhost`]);

test('serve: gateway, sync and disconnect answer at both, and a signal stops them at both', async (context) => {
  needs(context, { ipv6: true });
  const { folder: cwd } = await createInstallation();
  const { publicFile } = await makeKeys();
  const more = ['--set', 'disconnect.port=0', '--set', `validation.public_key=${publicFile}`];
  const env = environmentWithTwoAddresses();
  const swob = await startSwob(['serve', ...onLocalhost, ...more], { cwd, env });
  const urls = Object.values(swob.ready).flatMap(({ url }) => urlsOf(url.replace('ws:', 'http:')));
  expect(urls).toHaveLength(6);
  for (const url of urls) expect(await get(`${url}/livez`)).toMatchObject({ status: 200, text: 'ok' });
  const [, v6] = urlsOf(swob.ready.gateway.url);
  const [, socketUrl] = urlsOf(await openSession(v6, 'alice'));
  const socket = await openSocket(socketUrl);
  swob.kill('SIGTERM');
  expect((await socket.closed).code).toBe(1001);
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGTERM' });
  expect(swob.stderr()).not.toContain('"level":50');
});

test('serve and doctor name the address at which another program has the port', async (context) => {
  needs(context, { ipv6: true });
  const { folder: cwd } = await createInstallation();
  const port = await freePort();
  const other = createServer().listen({ host: '::1', port });
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  const env = environmentWithTwoAddresses();
  const args = [...onLocalhost, '--set', `api.port=${port}`];
  expect(await runSwob(['serve', 'gateway', ...args], { cwd, env })).toMatchObject({
    code: 75,
    stderr: expect.stringContaining(
      `the gateway cannot listen on localhost:${port}: listen EADDRINUSE: address already in use ::1:${port}; stop the program`,
    ),
  });
  const doctor = await runSwob(['doctor', 'gateway', ...args], { cwd, env });
  expect(doctor.stdout).toContain(`[::1]:${port} is in use by another program`);
});

test('workers share the ports of both', async (context) => {
  needs(context, { ipv6: true });
  const { folder: cwd } = await createInstallation({ extra: '[logging]\nlevel = debug' });
  const swob = await startWorkers(onLocalhost, { cwd, env: environmentWithTwoAddresses() });
  for (const [index, url] of urlsOf(swob.ready.gateway.url).entries()) {
    for (let count = 0; count < 4; count++) {
      const headers = { 'x-request-id': `address-${index}` };
      expect(await requestOnce(`${url}/seeds`, { headers })).toMatchObject({ status: 200 });
    }
    await expect
      .poll(
        () =>
          new Set(
            swob
              .lines()
              .filter(({ requestId }) => requestId === `address-${index}`)
              .map(({ worker }) => worker),
          ),
      )
      .toEqual(new Set([1, 2]));
  }
});

test('a stub answers at both', async (context) => {
  needs(context, { ipv6: true });
  const args = ['stub', 'publisher', '--host', 'localhost', '--port', '0'];
  const { folder: cwd } = await createInstallation();
  const stub = await startSwob<{ url: string }>(args, { cwd, env: environmentWithTwoAddresses() });
  expect(stub.ready.url).toContain('http://localhost:');
  for (const url of urlsOf(stub.ready.url)) expect(await get(`${url}/readyz`)).toMatchObject({ status: 200 });
});
