// Headers that every response of the gateway has, errors included: content type, nosniff, CORS; and GET with a body.

import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { expect, test } from 'vitest';
import { get, openSession, post } from '../support/phone.ts';
import { startAttackedServices } from './attacked-services.ts';
import { exchange, request } from './raw.ts';

const seed = { IMSI: '624013000000000', MSISDN: '+237671234567', seed_type: 'seed' };
const json = 'Content-Type: application/json';

test('every response has a content type and nosniff, errors included, and reveals nothing about the server', async () => {
  const services = await startAttackedServices({ set: ['limits.sessions=1/1m'] });
  const { gateway } = services;
  await openSession(gateway, 'alice');
  const requests: [method: string, path: string, status: number][] = [
    ['GET', '/seeds', 200],
    ['GET', '/seeders', 200],
    ['GET', '/seeds/624013000000000', 200],
    ['GET', '/seeds/a%20b', 400],
    ['GET', '/seeds/%zz', 400],
    ['GET', '/v2/sync/users/alice', 429],
    ['GET', '/v2/sync/users/%E0%A4%A', 400],
    ['POST', '/seeds/ping', 400],
    ['POST', '/seeds', 400],
    ['POST', `/v2/sync/users/alice/sessions/${'0'.repeat(32)}`, 400],
    ['POST', `/v2/sync/users/alice/sessions/${'0'.repeat(32)}/handshake`, 400],
    ['GET', '/', 200],
    ['GET', '/seeds/', 400],
    ['GET', '/nothing', 404],
    ['GET', '//evil.example/seeds', 404],
    ['GET', '/seeds/../../etc/passwd', 404],
    ['DELETE', '/seeds', 404],
    ['PATCH', '/seeds', 404],
    ['PUT', '/seeds/ping', 404],
    ['TRACE', '/seeds', 404],
    ['BREW', '/seeds', 400],
    ['CONNECT', 'localhost:80', 400],
  ];
  for (const [method, path, status] of requests) {
    const response = await exchange(gateway, request(method, path));
    const what = `${method} ${path}`;
    if (method === 'CONNECT') {
      expect([what, /^(HTTP\/1\.1 4|$)/.test(response)]).toEqual([what, true]);
      continue;
    }
    expect([what, Number(response.slice(9, 12))]).toEqual([what, status]);
    expect([what, /\r\ncontent-type: \S/i.test(response)]).toEqual([what, true]);
    expect([what, /\r\nx-content-type-options: nosniff\r\n/i.test(response)]).toEqual([what, true]);
    expect(response).not.toMatch(/x-powered-by|\r\nserver:|node_modules|\bat \S+ \(/i);
  }
  for (const path of ['/seeds', '/nothing']) {
    const head = await exchange(gateway, request('HEAD', path));
    expect(head).toMatch(/^HTTP\/1\.1 (200|404) .*\r\nx-content-type-options: nosniff\r\n/is);
    expect(head.split('\r\n\r\n')[1]).toBe('');
  }
  const syncAnswer = await get(`${services.sync.replace(/^ws/, 'http')}/v2/sync/init/alice/x`);
  expect(syncAnswer.status).toBe(426);
  expect(syncAnswer.headers.get('x-content-type-options')).toBe('nosniff');
});

test('GET with a JSON body works, as old gateway clients send it, and leaves the connection usable', async () => {
  const { gateway } = await startAttackedServices();
  await post(`${gateway}/seeds/ping`, seed);
  const read = async (path: string, body: string): Promise<{ status: number; text: string }> => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const sent = httpRequest(`${gateway}${path}`, { method: 'GET', headers }).end(body);
    const [response] = await once(sent, 'response');
    let text = '';
    for await (const chunk of response) text += chunk;
    return { status: response.statusCode, text };
  };
  for (const body of ['{}', '{"IMSI":"1"}', 'x', '']) {
    expect(JSON.parse((await read('/seeds', body)).text)).toHaveLength(1);
    expect(await read(`/seeds/${seed.IMSI}`, body)).toEqual({ status: 200, text: seed.MSISDN });
  }
  const twice = `GET /seeds/${seed.IMSI} HTTP/1.1\r\nHost: x\r\n${json}\r\nContent-Length: 2\r\n\r\n{}`;
  const responses = await exchange(gateway, twice + request('GET', `/seeds/${seed.IMSI}`));
  expect(responses.match(/HTTP\/1\.1 200 /g)).toHaveLength(2);
});

const preflight = (gateway: string, origin: string) =>
  get(`${gateway}/seeds/ping`, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST' },
  });

test('CORS without [api] origins allows every origin', async () => {
  const { gateway } = await startAttackedServices();
  const { status, headers } = await preflight(gateway, 'https://any.example');
  expect(status).toBe(204);
  expect(headers.get('access-control-allow-origin')).toBe('https://any.example');
  expect(headers.get('access-control-allow-methods')).toMatch(/GET, POST, PUT/);
  const response = await get(`${gateway}/seeds`, { headers: { origin: 'https://any.example' } });
  expect(response.headers.get('access-control-allow-origin')).toBe('https://any.example');
  expect(response.headers.get('vary')).toMatch(/origin/i);
});

test('CORS with [api] origins allows only those, errors included', async () => {
  const { gateway } = await startAttackedServices({
    set: ['api.origins=https://a.example, https://b.example'],
  });
  for (const origin of ['https://a.example', 'https://b.example']) {
    expect((await preflight(gateway, origin)).headers.get('access-control-allow-origin')).toBe(origin);
    const refused = await post(`${gateway}/seeds/ping`, {}, { origin });
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([400, origin]);
  }
  for (const origin of ['https://c.example', 'https://a.example.evil.example', 'http://a.example', 'null']) {
    expect((await preflight(gateway, origin)).headers.get('access-control-allow-origin')).toBeNull();
    const response = await get(`${gateway}/seeds`, { headers: { origin } });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  }
});
