// Tokens that are not well formed, and the places in which a request carries one (HOSTILE.md J13–J15).

import { expect, test } from 'vitest';
import { rs256, sampleClaims, signedOver } from '../crypto/handmade-token.ts';
import {
  expectFailure,
  expectNoTrace,
  expectRefused,
  expectService,
  failure,
  goodToken,
  startDisconnect,
  success,
  tokenWith,
} from '../support/disconnect.ts';
import { get, post } from '../support/phone.ts';
import { exchange, request } from './raw.ts';

const [header = '', payload = '', signature = ''] = goodToken.split('.');
const form = { 'content-type': 'application/x-www-form-urlencoded' };

test('J13 a signature cut short, padding, white space and other base64url are refused', async () => {
  const world = await startDisconnect();
  const input = `${header}.${payload}`;
  const noMatch = 'its signature does not match the key';
  await expectRefused(world, `${input}.${signature.slice(0, -2)}`, noMatch);
  await expectRefused(world, `${input}.${signature.slice(0, 4)}`, noMatch);
  await expectRefused(world, `${input}.`, 'its signature is empty');
  const spellings = [
    `${input}.${signature.slice(0, -1)}`,
    `${goodToken}==`,
    `${goodToken} `,
    `${goodToken}\n`,
    `${goodToken}\0`,
    `${goodToken}?x`,
    `${goodToken}#x`,
    `${goodToken}&x`,
    // The last character has four bits that are not used: another one decodes to the same bytes.
    `${input}.${signature.slice(0, -1)}${String.fromCharCode(signature.charCodeAt(341) + 1)}`,
    `${input}.${signature.slice(0, 9)}\t${signature.slice(9)}`,
  ];
  for (const token of spellings)
    await expectRefused(world, token, 'its signature is not canonical base64url');
  for (const token of [` ${goodToken}`, `=${goodToken}`]) {
    await expectRefused(world, token, 'its header is not canonical base64url');
  }
  const spaced = signedOver(`${header}=`, payload);
  await expectRefused(world, spaced, 'its header is not canonical base64url');
  const standard = Buffer.from(JSON.stringify({ ...sampleClaims, sub: '???>>>' })).toString('base64');
  expect(standard).toMatch(/[+/]/);
  await expectRefused(world, signedOver(header, standard), 'its payload is not canonical base64url');
  await expectService(world);
});

test('J14 claims twice, __proto__ and constructor are refused, and no prototype is touched', async () => {
  const world = await startDisconnect();
  const claims = JSON.stringify(sampleClaims).slice(1, -1);
  const attacks: [string, string][] = [
    [`{${claims},"sessionId":"1"}`, 'has the member "sessionId" twice'],
    [`{"exp":1,${claims}}`, 'has the member "exp" twice'],
    [`{${claims},"\\u0065xp":9999999999}`, 'has the member "exp" twice'],
    [`{${claims},"__proto__":{"polluted":1}}`, 'has a member __proto__'],
    [`{${claims},"\\u005f_proto__":{"polluted":1}}`, 'has a member __proto__'],
    [`{${claims},"x":{"constructor":{"prototype":{"polluted":1}}}}`, 'has a member constructor'],
    [`{${claims},"x":${'['.repeat(33)}${']'.repeat(33)}}`, 'is nested deeper than 32 levels'],
    ['{"exp":', 'is not JSON'],
    ['[]', 'is not a JSON object'],
    ['null', 'is not a JSON object'],
  ];
  for (const [json, fault] of attacks) await expectRefused(world, rs256(json), `its payload ${fault}`);
  const twice = '{"alg":"none","alg":"RS256"}';
  await expectRefused(world, rs256(sampleClaims, twice), 'its header has the member "alg" twice');
  for (const object of [{}, [], () => {}]) expect('polluted' in object).toBe(false);
  await expectService(world);
});

test('J15 a token that is missing, empty, repeated or far too long is 400, at little cost', async () => {
  const world = await startDisconnect();
  const { url } = world;
  const queries: [string, string][] = [
    ['', 'no token'],
    ['?', 'no token'],
    ['?token', 'no token'],
    ['?token=', 'no token'],
    ['?Token=x', 'no token'],
    ['?token=a&token=b', 'more than one token, or no text'],
    [`?token=${goodToken}&token=${goodToken}`, 'more than one token, or no text'],
    [`?token=${goodToken}&token=`, 'more than one token, or no text'],
    [`?token=&token=${goodToken}`, 'no token'],
    [`?token=${'a'.repeat(16_384)}`, 'token longer than 8192 characters'],
    [`?token=${'.'.repeat(100_000)}`, 'token longer than 8192 characters'],
    [`?token=${goodToken}${'a'.repeat(16_384)}`, 'token longer than 8192 characters'],
  ];
  for (const [query, fail] of queries) {
    const before = process.cpuUsage();
    const answer = await get(`${url}/disconnect${query}`);
    const { user, system } = process.cpuUsage(before);
    expectFailure(answer, 400, fail);
    // Microseconds, the client's own among them; what is not linear takes far longer.
    expect(user + system).toBeLessThan(1_000_000);
  }
  expectNoTrace(world, goodToken);
  // Longer than any URL that is read: HTTP itself refuses it.
  const tooLong = await exchange(url, request('GET', `/disconnect?token=${'.'.repeat(300_000)}`));
  expect(tooLong).toMatch(/^HTTP\/1\.1 431 /);
  expect(world.calls()).toBe(0);
  await expectService(world);
});

test('a token comes by GET, or by POST as bearer, form or JSON, each a call of its own', async () => {
  const world = await startDisconnect();
  const url = `${world.url}/disconnect`;
  const requests = [
    get(url, { headers: { authorization: `Bearer ${tokenWith({ sessionId: '1' })}` } }),
    post(url, '', { authorization: `bearer ${tokenWith({ sessionId: '2' })}`, 'content-type': 'text/plain' }),
    get(url, { method: 'POST', headers: { authorization: `Bearer ${tokenWith({ sessionId: '3' })}` } }),
    post(url, `x=1&token=${tokenWith({ sessionId: '4' })}`, form),
    post(url, { token: tokenWith({ sessionId: '5' }), more: { token: 'x' } }),
    get(`${url}?token=${tokenWith({ sessionId: '6' })}`, { method: 'POST' }),
    post(
      url,
      { token: tokenWith({ sessionId: '8' }) },
      { 'content-type': 'Application/JSON; charset=UTF-8' },
    ),
    post(url, `token=${tokenWith({ sessionId: '9' })}`, {
      'content-type': `${form['content-type']}; charset=UTF-8`,
    }),
    // A proxy's own credentials are none of ours.
    get(`${url}?token=${tokenWith({ sessionId: '7' })}`, { headers: { authorization: 'Basic eDp5' } }),
  ];
  for (const [index, answer] of (await Promise.all(requests)).entries()) {
    expect([index, answer.status, answer.text]).toEqual([index, 200, success]);
  }
  const sessions = world.pcrf.requests().map(({ query }) => query[0]?.[1]);
  expect(sessions.sort()).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9']);
});

test('more than one place for a token is 400, even when they agree', async () => {
  const world = await startDisconnect();
  const url = `${world.url}/disconnect`;
  const inQuery = `${url}?token=${goodToken}`;
  const bearer = { authorization: `Bearer ${goodToken}` };
  const twice = 'more than one token, or no text';
  expectFailure(await get(inQuery, { headers: bearer }), 400, twice);
  expectFailure(await get(inQuery, { headers: { authorization: 'Bearer other' } }), 400, twice);
  expectFailure(await post(inQuery, { token: goodToken }), 400, twice);
  expectFailure(await post(inQuery, `token=${goodToken}`, form), 400, twice);
  expectFailure(await post(url, { token: 'other' }, bearer), 400, twice);
  expectFailure(await post(url, `token=${goodToken}&token=${goodToken}`, form), 400, twice);
  expectFailure(await get(`${inQuery}&token=${goodToken}?token=x`), 400, twice);
  expectFailure(await post(url, `{"token":"${goodToken}","token":"x"}`), 400, 'request not well formed');
  expectFailure(
    await post(url, `{"token":"x","\\u0074oken":"${goodToken}"}`),
    400,
    'request not well formed',
  );
  const headers = [`Authorization: Bearer ${goodToken}`, 'Authorization: Bearer other'];
  expect(await exchange(world.url, request('GET', '/disconnect', headers))).toMatch(
    /^HTTP\/1\.1 400 [\s\S]*\r\n\r\n\{"success":false,"fail":"more than one token, or no text"\}$/,
  );
  expectNoTrace(world, goodToken);
  expect(world.calls()).toBe(0);
  await expectService(world);
});

test('nothing beside the token is cut off to make it good', async () => {
  const world = await startDisconnect();
  const url = `${world.url}/disconnect`;
  const notCanonical = failure('token refused: its signature is not canonical base64url');
  for (const query of [
    `${goodToken}?x`,
    `${goodToken}?`,
    `${goodToken};x`,
    `${goodToken}+`,
    `${goodToken}%00`,
  ]) {
    const { status, text } = await get(`${url}?token=${query}`);
    expect([query.slice(goodToken.length), status, text]).toEqual([
      query.slice(goodToken.length),
      401,
      notCanonical,
    ]);
  }
  for (const authorization of [
    `Bearer ${goodToken} x`,
    `Bearer ${goodToken},`,
    `Bearer ${goodToken}, Bearer x`,
  ]) {
    const { status, text } = await get(url, { headers: { authorization } });
    expect([status, text]).toEqual([401, notCanonical]);
  }
  expect(world.calls()).toBe(0);
});

test('bodies that are no form or JSON with one token as text are refused', async () => {
  const world = await startDisconnect();
  const url = `${world.url}/disconnect`;
  for (const token of [1, null, true, [goodToken], { token: goodToken }]) {
    expectFailure(await post(url, { token }), 400, 'more than one token, or no text');
  }
  for (const body of ['{}', '[]', 'null', '"x"', '1', `{"__prototoken":"${goodToken}"}`]) {
    expectFailure(await post(url, body), 400, 'no token');
  }
  for (const body of ['', '{', `{"token":"${goodToken}"`, `{"__proto__":{"token":"${goodToken}"}}`]) {
    expectFailure(await post(url, body), 400, 'request not well formed');
  }
  expectFailure(await post(url, goodToken, { 'content-type': 'text/plain' }), 400, 'no token');
  const unsupported = 'unsupported content type; send JSON or a form';
  for (const type of ['application/xml', 'multipart/form-data; boundary=x', 'nonsense']) {
    expectFailure(await post(url, `token=${goodToken}`, { 'content-type': type }), 415, unsupported);
  }
  expectFailure(await post(url, { token: 'a'.repeat(20_000) }), 413, 'body too large');
  expectNoTrace(world, goodToken);
  expect(world.calls()).toBe(0);
  await expectService(world);
});
