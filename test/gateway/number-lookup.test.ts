// A gateway client stores any body of `GET /seeds/<IMSI>` as its own number, so errors have no body.

import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { SwobError } from '../../src/errors.ts';
import { handleError, handleNotFound } from '../../src/gateway/error-handler.ts';
import { exchange, request } from '../hostile/raw.ts';
import { get, post } from '../support/phone.ts';
import { startTestServices } from '../support/services.ts';

const imsi = '624012345678901';

test('an invalid request gets a status without a body; a lookup gets the number or an empty text', async () => {
  const { gateway } = await startTestServices();
  for (const [path, status] of [
    ['/seeds/a%20b', 400],
    ['/seeds/%zz', 400],
    [`/seeds/${'1'.repeat(200)}`, 400],
    ['/seeds/', 400],
    [`/seeds/${imsi}/number`, 404],
    [`//seeds/${imsi}`, 404],
    [`/seeds/${imsi}`, 200],
  ] as const) {
    const response = await get(`${gateway}${path}`);
    expect([path, response.status, response.text]).toEqual([path, status, '']);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  }
  await post(`${gateway}/seeds/ping`, { IMSI: imsi, MSISDN: '+237650000001', seed_type: 'seed' });
  expect(await get(`${gateway}/seeds/${imsi}`)).toMatchObject({ status: 200, text: '+237650000001' });
  // The absolute form that proxies send.
  const { host } = new URL(gateway);
  const absolute = await exchange(gateway, request('GET', `http://${host}/seeds/a%20b`));
  expect(absolute).toMatch(/^HTTP\/1\.1 400 [\s\S]*content-length: 0\r\n[\s\S]*\r\n\r\n$/i);
  // Node's parser rejects this before there is a request.
  for (const header of ['X-A: b\0', `X-A: ${'x'.repeat(20_000)}`]) {
    const response = await exchange(gateway, request('GET', `/seeds/${imsi}`, [header]));
    expect(response).toMatch(/^HTTP\/1\.1 4\d\d [\s\S]*content-length: 0\r\n\r\n$/i);
  }
  // Errors of other routes have texts.
  expect((await get(`${gateway}/seedz/a`)).text).toBe('not found');
  expect((await post(`${gateway}/seeds/ping`, {})).text).toBe('missing IMSI');
});

test('errors of the gateway itself have no body either: 429, 500, 503', async () => {
  const app = Fastify();
  app.setErrorHandler(handleError);
  app.setNotFoundHandler(handleNotFound);
  const errors: Record<string, Error> = {
    limited: new SwobError('LIMITED', 'too many', { retryAfter: 7 }),
    away: new SwobError('UNAVAILABLE', 'the store cannot be reached now'),
    defect: new TypeError('undefined is not a function'),
  };
  for (const url of ['/seeds/:IMSI', '/other/:IMSI']) {
    app.get<{ Params: { IMSI: string } }>(url, ({ params }) => {
      throw errors[params.IMSI] ?? new Error('unexpected');
    });
  }
  for (const [name, status] of [
    ['limited', 429],
    ['away', 503],
    ['defect', 500],
  ] as const) {
    const response = await app.inject(`/seeds/${name}`);
    expect([name, response.statusCode, response.body]).toEqual([name, status, '']);
    expect((await app.inject(`/other/${name}`)).body).not.toBe('');
  }
  expect((await app.inject('/seeds/limited')).headers['retry-after']).toBe('7');
});
