// The documented sample, through the running service: the call that the PCRF gets, byte for byte at a TCP
// server of the test, and the token of the documentation, which is HS256.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hs256, opensslToken, publicPem, rs256, sampleClaims } from '../crypto/handmade-token.ts';
import {
  ask,
  expectFailure,
  expectRefused,
  expectService,
  goodToken,
  startDisconnect,
  success,
} from '../support/disconnect.ts';
import { temporaryFolder } from '../support/folders.ts';
import { needs } from '../support/needs.ts';
import { get } from '../support/phone.ts';
import { httpAnswer, startRawServer } from '../upstream/raw-server.ts';

/** As the documentation of the replaced service has it; expired in 2019, its secret is not known. */
const documented =
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyIiwiYXV0aCI6WyJST0xFX0FETUlOIl0sImlhdCI6MTU1OTI3OTU4MCwiZXhwIjoxNTU5' +
  'MzUxNTgwLCJuYXNJcCI6IjEwMC4xMTIuMC4xIiwic2Vzc2lvbklkIjoiNTY5MjU0OTkyODk5NjMwNzk2NCIsInZyZiI6IjEiLCJjbGllbnRN' +
  'YWMiOiJGQy00NS05Ni01Ri01MC1BQyJ9.fWhOkgFo_rLd2mB9_70HotPH9LlGh7SuT1-qDQvv77U';

test('the claims of the sample become the documented call, byte for byte', async (context) => {
  needs(context, { command: 'openssl' });
  const pcrf = await startRawServer((socket) => void socket.write(httpAnswer('{"success":true}')));
  const world = await startDisconnect({ pcrfPort: pcrf.port });
  const token = opensslToken(sampleClaims, 'sha256', 'RS256');
  // As portals write it: the token as it stands.
  const { status, text } = await get(`${world.url}/disconnect?token=${token}`);
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
  ]);
  expect(world.log.lines).toContainEqual({
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

test('the sample token itself is HS256, which is refused by default', async () => {
  const world = await startDisconnect();
  const [header = '', payload = ''] = documented.split('.');
  expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({ alg: 'HS256' });
  expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toEqual(sampleClaims);
  await expectRefused(world, documented, 'alg is "HS256"; only RS256 is accepted');
  await expectService(world);
});

test('HS256 is accepted when it is named and has a secret, and RS256 only beside it', async () => {
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

test('HS256 with the public key as the secret file does not start', async () => {
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
});

test('every call stands on its own: the same token again is another call', async () => {
  const world = await startDisconnect();
  for (const _ of [1, 2, 3]) await expectService(world);
});

test('the PCRF says in its own words why not, and the answer passes them on', async () => {
  const world = await startDisconnect();
  world.pcrf.setBehaviour('refuse', { count: 1 });
  expectFailure(
    await ask(world, goodToken),
    502,
    `${world.pcrfName} answered 500: the PCRF stub was told to refuse`,
  );
  expect(world.log.lines).toContainEqual({
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
  await expectService(world, rs256({ ...sampleClaims, vrf: 'гость' }));
  expect(world.pcrf.requests().at(-1)?.url).toContain('&vrf=%D0%B3%D0%BE%D1%81%D1%82%D1%8C&');
});
