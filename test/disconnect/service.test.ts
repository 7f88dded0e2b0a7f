// The documented sample, with the running service: the call that the PCRF receives, byte for byte at a TCP
// server of the test, and the token of the documentation, which is HS256.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hs256, opensslToken, publicPem, rs256, sampleClaims } from '../crypto/token-builder.ts';
import {
  expectFailure,
  expectRefused,
  expectService,
  goodToken,
  requestDisconnect,
  startDisconnect,
  success,
} from '../support/disconnect.ts';
import { temporaryFolder } from '../support/folders.ts';
import { needs } from '../support/needs.ts';
import { get } from '../support/phone.ts';
import { httpResponse, startRawServer } from '../upstream/raw-server.ts';

/** From the documentation of the replaced service; it expired in 2019, and its secret is unknown. */
const documented =
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyIiwiYXV0aCI6WyJST0xFX0FETUlOIl0sImlhdCI6MTU1OTI3OTU4MCwiZXhwIjoxNTU5' +
  'MzUxNTgwLCJuYXNJcCI6IjEwMC4xMTIuMC4xIiwic2Vzc2lvbklkIjoiNTY5MjU0OTkyODk5NjMwNzk2NCIsInZyZiI6IjEiLCJjbGllbnRN' +
  'YWMiOiJGQy00NS05Ni01Ri01MC1BQyJ9.fWhOkgFo_rLd2mB9_70HotPH9LlGh7SuT1-qDQvv77U';

test('the claims of the sample become the documented call, byte for byte', async (context) => {
  needs(context, { command: 'openssl' });
  const pcrf = await startRawServer((socket) => void socket.write(httpResponse('{"success":true}')));
  const service = await startDisconnect({ pcrfPort: pcrf.port });
  const token = opensslToken(sampleClaims, 'sha256', 'RS256');
  // Portals send the token unencoded.
  const { status, text } = await get(`${service.url}/disconnect?token=${token}`);
  expect([status, text]).toEqual([200, success]);
  expect(pcrf.requests).toHaveLength(1);
  const [line, ...headers] = (pcrf.requests[0] ?? '').split('\r\n');
  expect(line).toBe(
    'GET /account/disconnect?session=5692549928996307964&nas_ip=100.112.0.1&vrf=1&single=false&mac=FC-45-96-5F-50-AC&remove_mac=true HTTP/1.1',
  );
  expect(headers.sort()).toEqual([
    '',
    '',
    'accept-encoding: identity',
    'accept: application/json',
    'connection: keep-alive',
    `host: 127.0.0.1:${pcrf.port}`,
    'user-agent: swob',
  ]);
  expect(service.log.lines).toContainEqual({
    level: 'info',
    fields: {
      requestId: expect.any(String),
      sessionId: '5692549928996307964',
      nasIp: '100.112.0.1',
      vrf: '1',
    },
    message: 'logged out',
  });
});

test('the sample token is HS256, which is rejected by default', async () => {
  const service = await startDisconnect();
  const [header = '', payload = ''] = documented.split('.');
  expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({ alg: 'HS256' });
  expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toEqual(sampleClaims);
  await expectRefused(service, documented, 'alg is "HS256"; only RS256 is accepted');
  await expectService(service);
});

test('HS256 is accepted if it is configured with a secret, and RS256 then only if it is configured too', async () => {
  const secret = '0123456789abcdef0123456789abcdef';
  const file = join(temporaryFolder(), 'secret');
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  const secretFile = `validation.secret_file=${file}`;
  const noMatch = 'its signature does not match the key';

  const both = await startDisconnect({ set: ['validation.algorithms=RS256, HS256', secretFile] });
  await expectService(both, hs256(sampleClaims, secret));
  await expectService(both);
  await expectRefused(both, documented, noMatch);
  await expectRefused(both, hs256(sampleClaims, publicPem), noMatch);

  // Without RSA no public key is needed.
  const alone = await startDisconnect({ key: null, set: ['validation.algorithms=HS256', secretFile] });
  await expectService(alone, hs256(sampleClaims, secret));
  await expectRefused(alone, goodToken, 'alg is "RS256"; only HS256 is accepted');
});

test('the service does not start when the HS256 secret is the public key', async () => {
  const file = join(temporaryFolder(), 'secret');
  writeFileSync(file, publicPem);
  const set = ['validation.algorithms=HS256', `validation.secret_file=${file}`];
  await expect(startDisconnect({ set })).rejects.toMatchObject({
    code: 'CONFIG',
    message: expect.stringContaining(`the secret ${file} is a key or certificate in PEM`),
  });
  const missing = ['validation.algorithms=HS256', `validation.secret_file=${file}.missing`];
  await expect(startDisconnect({ set: missing })).rejects.toMatchObject({
    code: 'CONFIG',
    message: expect.stringMatching(/secret_file: cannot read .*secret\.missing: ENOENT/),
  });
  writeFileSync(file, Buffer.from(`\n${'s\xe4cret'.repeat(8)}`, 'latin1'));
  await expect(startDisconnect({ set })).rejects.toMatchObject({
    code: 'CONFIG',
    message: expect.stringContaining(`secret_file: cannot read ${file}: line 2 is not UTF-8`),
  });
});

test('requests are independent: the same token again causes another call', async () => {
  const service = await startDisconnect();
  for (const _ of [1, 2, 3]) await expectService(service);
});

test('the response passes on the reason that the PCRF gives', async () => {
  const service = await startDisconnect();
  service.pcrf.setMode('refuse', { count: 1 });
  expectFailure(
    await requestDisconnect(service, goodToken),
    502,
    `${service.pcrfName} answered 500: the PCRF stub was told to refuse`,
  );
  expect(service.log.lines).toContainEqual({
    level: 'warn',
    fields: {
      requestId: expect.any(String),
      sessionId: '5692549928996307964',
      nasIp: '100.112.0.1',
      vrf: '1',
      code: 'UPSTREAM',
    },
    message: 'not logged out',
  });
  await expectService(service, rs256({ ...sampleClaims, vrf: 'гость' }));
  expect(service.pcrf.requests().at(-1)?.url).toContain('&vrf=%D0%B3%D0%BE%D1%81%D1%82%D1%8C&');
});
