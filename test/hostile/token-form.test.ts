// Malformed tokens, and the parts of a request that may carry a token (docs/protocol.md, J13–J15).

import { expect, test } from 'vitest';
import { rs256, signedOver } from '../crypto/token-builder.ts';
import {
  backends,
  expectFailure,
  expectNoTrace,
  expectRefused,
  expectService,
  failure,
  localClaims as sampleClaims,
  startDisconnect,
  success,
  localTokenWith as tokenWith,
} from '../support/disconnect.ts';
import { get, post } from '../support/phone.ts';
import { exchange, request } from './raw.ts';

const goodToken = tokenWith();
const [header = '', payload = '', signature = ''] = goodToken.split('.');
const form = { 'content-type': 'application/x-www-form-urlencoded' };

test.each(backends)(
  'J13 rejects a truncated signature, padding, white space and non-canonical base64url (%s)',
  async (backend) => {
    const service = await startDisconnect({ backend });
    const input = `${header}.${payload}`;
    const noMatch = 'its signature does not match the key';
    await expectRefused(service, `${input}.${signature.slice(0, -2)}`, noMatch);
    await expectRefused(service, `${input}.${signature.slice(0, 4)}`, noMatch);
    await expectRefused(service, `${input}.`, 'its signature is empty');
    const spellings = [
      `${input}.${signature.slice(0, -1)}`,
      `${goodToken}==`,
      `${goodToken} x`,
      `${goodToken}\nx`,
      `${goodToken}\0`,
      `${goodToken}?x`,
      `${goodToken}#x`,
      `${goodToken}&x`,
      // The last character has four unused bits, so another character decodes to the same bytes.
      `${input}.${signature.slice(0, -1)}${String.fromCharCode(signature.charCodeAt(341) + 1)}`,
      `${input}.${signature.slice(0, 9)}\t${signature.slice(9)}`,
    ];
    for (const token of spellings)
      await expectRefused(service, token, 'its signature is not canonical base64url');
    for (const token of [`\0${goodToken}`, `=${goodToken}`]) {
      await expectRefused(service, token, 'its header is not canonical base64url');
    }
    const spaced = signedOver(`${header}=`, payload);
    await expectRefused(service, spaced, 'its header is not canonical base64url');
    const standard = Buffer.from(JSON.stringify({ ...sampleClaims, sub: '???>>>' })).toString('base64');
    expect(standard).toMatch(/[+/]/);
    await expectRefused(service, signedOver(header, standard), 'its payload is not canonical base64url');
    await expectService(service);
  },
);

test.each(backends)(
  'J14 rejects duplicate claims, __proto__ and constructor, and changes no prototype (%s)',
  async (backend) => {
    const service = await startDisconnect({ backend });
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
    for (const [json, fault] of attacks) await expectRefused(service, rs256(json), `its payload ${fault}`);
    const twice = '{"alg":"none","alg":"RS256"}';
    await expectRefused(service, rs256(sampleClaims, twice), 'its header has the member "alg" twice');
    for (const object of [{}, [], () => {}]) expect('polluted' in object).toBe(false);
    await expectService(service);
  },
);

test.each(backends)(
  'J15 a token that is missing, empty, repeated or far too long gets 400, at little cost (%s)',
  async (backend) => {
    const service = await startDisconnect({ backend });
    const { url } = service;
    const queries: [string, string][] = [
      ['', 'no token'],
      ['?', 'no token'],
      ['?token', 'no token'],
      ['?token=', 'no token'],
      ['?Token=x', 'no token'],
      ['?token=a&token=b', 'more than one token, or not a string'],
      [`?token=${goodToken}&token=${goodToken}`, 'more than one token, or not a string'],
      [`?token=${goodToken}&token=`, 'more than one token, or not a string'],
      [`?token=&token=${goodToken}`, 'no token'],
      [`?token=${'a'.repeat(16_384)}`, 'token longer than 8192 characters'],
      [`?token=${'.'.repeat(100_000)}`, 'token longer than 8192 characters'],
      [`?token=${goodToken}${'a'.repeat(16_384)}`, 'token longer than 8192 characters'],
    ];
    for (const [query, fail] of queries) {
      const before = process.cpuUsage();
      const response = await get(`${url}/disconnect${query}`);
      const { user, system } = process.cpuUsage(before);
      expectFailure(response, 400, fail);
      // Microseconds, including the client's; a check that is not linear takes far longer.
      expect(user + system).toBeLessThan(1_000_000);
    }
    expectNoTrace(service, goodToken);
    // Longer than any URL that the server reads: the HTTP parser rejects it.
    const tooLong = await exchange(url, request('GET', `/disconnect?token=${'.'.repeat(300_000)}`));
    expect(tooLong).toMatch(/^HTTP\/1\.1 431 /);
    expect(service.calls()).toBe(0);
    await expectService(service);
  },
);

test('accepts a token by GET, or by POST as bearer, form or JSON; each request causes a call', async () => {
  const service = await startDisconnect();
  const url = `${service.url}/disconnect`;
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
    // Credentials for a proxy are ignored.
    get(`${url}?token=${tokenWith({ sessionId: '7' })}`, { headers: { authorization: 'Basic eDp5' } }),
  ];
  for (const [index, answer] of (await Promise.all(requests)).entries()) {
    expect([index, answer.status, answer.text]).toEqual([index, 200, success]);
  }
  const sessions = service.pcrf.requests().map(({ query }) => query[0]?.[1]);
  expect(sessions.sort()).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9']);
});

test.each(backends)(
  'a token in more than one part of a request gets 400, even when all are equal (%s)',
  async (backend) => {
    const service = await startDisconnect({ backend });
    const url = `${service.url}/disconnect`;
    const inQuery = `${url}?token=${goodToken}`;
    const bearer = { authorization: `Bearer ${goodToken}` };
    const twice = 'more than one token, or not a string';
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
    expect(await exchange(service.url, request('GET', '/disconnect', headers))).toMatch(
      /^HTTP\/1\.1 400 [\s\S]*\r\n\r\n\{"success":false,"fail":"more than one token, or not a string","code":"BAD_INPUT"\}$/,
    );
    expectNoTrace(service, goodToken);
    expect(service.calls()).toBe(0);
    await expectService(service);
  },
);

test('ignores blanks and line ends around a token', async () => {
  const service = await startDisconnect();
  const url = `${service.url}/disconnect`;
  const spaced = ` \t${goodToken}\r\n`;
  const responses = [
    await get(`${url}?token=${encodeURIComponent(spaced)}`),
    await get(`${url}?token=+${goodToken}+`),
    await get(url, { headers: { authorization: `Bearer   ${goodToken}  ` } }),
    await post(url, { token: spaced }),
    await post(url, new URLSearchParams({ token: spaced }).toString(), form),
  ];
  expect(responses.map(({ status, text }) => [status, text])).toEqual(responses.map(() => [200, success]));
  expectFailure(await get(`${url}?token=%20%0A`), 400, 'no token');
});

test('removes nothing else around a token to make it valid', async () => {
  const service = await startDisconnect();
  const url = `${service.url}/disconnect`;
  const notCanonical = failure(401, 'token refused: its signature is not canonical base64url');
  for (const query of [`${goodToken}?x`, `${goodToken}?`, `${goodToken};x`, `${goodToken}%00`]) {
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
  expect(service.calls()).toBe(0);
});

test('rejects bodies that are not a form or JSON with one token as a string', async () => {
  const service = await startDisconnect();
  const url = `${service.url}/disconnect`;
  for (const token of [1, null, true, [goodToken], { token: goodToken }]) {
    expectFailure(await post(url, { token }), 400, 'more than one token, or not a string');
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
  expectNoTrace(service, goodToken);
  expect(service.calls()).toBe(0);
  await expectService(service);
});
