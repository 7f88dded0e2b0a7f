// The claims of signed tokens, the methods of requests, and secrets in what is written, with backend = radius and one service
// (docs/protocol.md, P1–P5, P12, P13): what reaches the NAS, and that nothing does for what is refused.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { beforeEach, expect, test } from 'vitest';
import { rs256 } from '../crypto/token-builder.ts';
import {
  type DisconnectService,
  expectRefused,
  expectService,
  failure,
  localClaims,
  localTokenWith,
  requestDisconnect,
  secretsOf,
  startDisconnect,
} from '../support/disconnect.ts';
import { nasSecret } from '../support/nas.ts';
import { get, post } from '../support/phone.ts';
import { sharedByFile } from '../support/teardown.ts';
import { startRawServer } from '../upstream/raw-server.ts';
import {
  macSpellings,
  noAddresses,
  noMacs,
  oddNumberFault,
  oddNumbers,
  separators,
  withControlCharacters,
} from './claim-attacks.ts';

const shared = sharedByFile(() =>
  startDisconnect({ backend: 'radius', set: ['disconnect.nas_allow=127.0.0.0/8, 192.0.2.0/24'] }),
);
const stubOf = ({ nas }: DisconnectService) => nas?.stub ?? expect.fail('no NAS');
/** What the NAS understood of the last request. */
const lastBody = (service: DisconnectService) => stubOf(service).journal.all().at(-1)?.body;

beforeEach(() => stubOf(shared()).setMode('normal'));

test('P1 nasIp: a packet goes only to an address that a section has, and that nas_allow has', async () => {
  const service = shared();
  const bait = await startRawServer((socket) => void socket.end());
  const unknown = 'no [nas …] section has its nasIp and vrf';
  for (const nasIp of ['192.0.2.1', '127.0.0.2', '127.1.1.1'])
    await expectRefused(service, localTokenWith({ nasIp }), unknown);
  for (const nasIp of ['169.254.169.254', '::1', '::ffff:169.254.169.254', '100.113.0.1'])
    await expectRefused(service, localTokenWith({ nasIp }), 'nasIp is not in [disconnect] nas_allow');
  for (const nasIp of [
    ...noAddresses,
    'localhost',
    `127.0.0.1:${bait.port}`,
    `http://127.0.0.1:${bait.port}/`,
  ])
    await expectRefused(service, localTokenWith({ nasIp }), 'nasIp is not an IP address');
  expect(bait.accepted).toHaveLength(0);
  await expectService(service);
});

test('P2 a claim with a separator stays one attribute; one with control characters is rejected', async () => {
  const service = shared();
  for (const text of separators) {
    await expectService(service, localTokenWith({ vrf: text, sessionId: text, sub: text }));
    expect(lastBody(service)).toMatchObject({ session: text, user: text, nas_ip: '127.0.0.1' });
    await expectRefused(service, localTokenWith({ clientMac: text }), 'clientMac is not a MAC address');
  }
  for (const text of withControlCharacters) {
    const fault = (name: string): string => `${name} has control characters`;
    await expectRefused(service, localTokenWith({ vrf: text }), fault('vrf'));
    await expectRefused(service, localTokenWith({ nasIp: text }), fault('nasIp'));
    await expectRefused(service, localTokenWith({ sessionId: text }), fault('sessionId'));
  }
});

test('P2 a sub or clientIp that is unusable is not sent; too long ones never make a longer packet', async () => {
  const service = shared();
  for (const claim of [...withControlCharacters, '', '  ', 7, ['x'], {}, null, 'x'.repeat(256)]) {
    await expectService(service, localTokenWith({ sub: claim, clientIp: claim }));
    expect(lastBody(service)).not.toHaveProperty('user');
    expect(lastBody(service)).toMatchObject({ attributes: [80, 44, 31, 4, 55] });
  }
  // 255 characters are allowed, but these have more bytes than an attribute can have.
  const { status, text } = await requestDisconnect(service, localTokenWith({ sub: 'ü'.repeat(255) }));
  const fail = `${service.nas?.name}: a value of the session is too long for RADIUS`;
  expect([status, text]).toEqual([400, failure(400, fail)]);
});

test('P3 sessionId keeps every digit; numbers that are not written in digits alone are rejected', async () => {
  const service = shared();
  const withNumber = (number: string): string =>
    rs256(JSON.stringify(localClaims).replace('"5692549928996307964"', number));
  for (const session of ['569254992899630796', '5692549928996307964', '9'.repeat(64)]) {
    await expectService(service, withNumber(session));
    expect(lastBody(service)).toMatchObject({ session });
  }
  await expectService(service, localTokenWith({ sessionId: '0005692549928996307965' }));
  expect(lastBody(service)).toMatchObject({ session: '0005692549928996307965' });
  for (const number of oddNumbers) await expectRefused(service, withNumber(number), oddNumberFault);
});

test('P4 a MAC address in any spelling becomes canonical; anything else is rejected', async () => {
  const service = shared();
  for (const clientMac of macSpellings) {
    await expectService(service, localTokenWith({ clientMac }));
    expect(lastBody(service)).toMatchObject({ mac: 'FC-45-96-5F-50-AC' });
  }
  for (const [clientMac, fault] of noMacs) await expectRefused(service, localTokenWith({ clientMac }), fault);
});

test('P5 one error names every claim that is empty or missing', async () => {
  const service = shared();
  for (const name of ['nasIp', 'vrf', 'sessionId'])
    await expectRefused(service, localTokenWith({ [name]: undefined }), `${name} is missing`);
  await expectRefused(
    service,
    localTokenWith({ nasIp: '', vrf: undefined, sessionId: null, clientMac: 'x' }),
    'sessionId is missing, nasIp is empty, vrf is missing, clientMac is not a MAC address',
  );
});

test('P12 HEAD, OPTIONS, other methods and prefetches send nothing', async () => {
  const service = shared();
  const before = service.calls();
  const url = `${service.url}/disconnect?token=${service.goodToken}`;
  for (const method of ['HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE'])
    expect((await get(url, { method })).status).toBe(405);
  for (const headers of [{ 'sec-purpose': 'prefetch;prerender' }, { purpose: 'prefetch' }])
    expect((await get(url, { headers })).status).toBe(403);
  expect(service.calls()).toBe(before);
  await expectService(service);
});

test('P13 neither a token nor the secret appears in the log, responses, metrics, the audit trail or at the NAS', async () => {
  const service = shared();
  const tokens = [service.goodToken, localTokenWith({ exp: 1 }), `${localTokenWith({ sub: 'cut off' })}=`];
  const written: unknown[] = [];
  for (const mode of ['normal', 'refuse'] as const) {
    stubOf(service).setMode(mode);
    for (const token of tokens) {
      written.push(await requestDisconnect(service, token));
      written.push(await post(`${service.url}/disconnect`, `{"token":"${token}"`));
      written.push(await get(`${service.url}/${token}`));
    }
  }
  const admin = readFileSync(join(service.folder, 'admin.token'), 'utf8').trim();
  // All of them: by the clock of the test they are equally old, so that any of this file's could be left out.
  const audit = await get(`${service.url}/disconnects?limit=1000`, {
    headers: { authorization: `Bearer ${admin}` },
  });
  expect(audit.text).toContain('"outcome":"rejected"');
  written.push(
    audit.text,
    (await get(`${service.url}/metrics`)).text,
    service.log.lines,
    stubOf(service).journal.all(),
  );
  const text = inspect(written, { depth: null, maxArrayLength: null, maxStringLength: null });
  expect(text).toContain('swob_');
  // Booleans, because a failure would print the texts.
  for (const part of [...tokens.flatMap(secretsOf), nasSecret]) expect(text.includes(part)).toBe(false);
});
