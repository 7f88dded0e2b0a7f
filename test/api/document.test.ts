// The OpenAPI documents of the services: valid, complete, and in agreement with the responses to good and bad requests.

import { validate } from '@readme/openapi-parser';
import { describe, expect, test } from 'vitest';
import type { errorCatalogue } from '../../src/errors.ts';
import { startDisconnect, tokenWith } from '../support/disconnect.ts';
import { startMessaging } from '../support/messaging.ts';
import {
  createRecorder,
  type DocumentedOperation,
  fetchDocument,
  type OpenApi,
  operationsOf,
} from '../support/openapi.ts';
import { get } from '../support/phone.ts';
import { startTestServices } from '../support/services.ts';

/** What every document must contain, whatever its routes. */
async function expectComplete(document: OpenApi): Promise<void> {
  // The validator resolves references in its argument.
  const validity = await validate(structuredClone(Object(document)));
  expect(validity).toMatchObject({ valid: true, warnings: [] });
  expect(document.openapi).toMatch(/^3\.1/);
  const operations = operationsOf(document);
  const ids = operations.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const operation of operations) {
    const { operationId, summary, tags, responses, security = [] } = operation;
    expect([operationId, operation.path]).toEqual([expect.stringMatching(/^[a-z]\w+$/), expect.any(String)]);
    expect([operationId, summary, tags]).toEqual([operationId, expect.any(String), [expect.any(String)]]);
    const statuses = Object.keys(responses);
    expect([operationId, statuses.some((status) => status.startsWith('2'))]).toEqual([operationId, true]);
    for (const [status, { description, content }] of Object.entries(responses)) {
      expect([operationId, status, description]).not.toEqual([operationId, status, 'Default Response']);
      if (status.startsWith('2'))
        expect([operationId, Object.keys(content ?? {})]).not.toEqual([operationId, []]);
    }
    if (!['/livez', '/readyz', '/metrics'].includes(operation.path)) {
      expect(statuses).toEqual(expect.arrayContaining(['500', '503']));
    }
    for (const scheme of security.flatMap((each) => Object.keys(each)))
      expect(document.components.securitySchemes).toHaveProperty(scheme);
  }
}

const pathOf = ({ path }: DocumentedOperation, value: string): string => path.replace(/\{\w+\}/g, value);
const json = { 'content-type': 'application/json' };
const bodies: readonly (readonly [string | undefined, Record<string, string>])[] = [
  [undefined, {}],
  ['{', json],
  ['[]', json],
  ['{}', json],
  ['null', json],
  ['<a/>', { 'content-type': 'text/xml' }],
  ['a=b', { 'content-type': 'application/x-www-form-urlencoded' }],
  [JSON.stringify({ a: 'x'.repeat(600_000) }), json],
];

/** Sends invalid requests of many kinds to every operation. */
async function sendBadRequests(
  url: string,
  document: OpenApi,
  fetch: typeof globalThis.fetch,
): Promise<void> {
  for (const operation of operationsOf(document)) {
    const { method } = operation;
    for (const value of ['x', 'a%2fb', 'a%20b', 'ä', `${'9'.repeat(300)}`, '0'.repeat(32)]) {
      const path = pathOf(operation, value);
      await fetch(`${url}${path}`, { method, headers: { authorization: 'Bearer wrong' } });
      await fetch(`${url}${path}?token=x&token=y&a[]=b`, { method });
      if (path === operation.path) break;
    }
    if (method === 'GET') continue;
    for (const [body, headers] of bodies)
      await fetch(`${url}${pathOf(operation, 'x')}`, {
        method,
        headers,
        ...(body !== undefined && { body }),
      });
  }
}

describe('the gateway', () => {
  test.each([['testing'], ['production']])(
    'its document is valid and complete in state %s',
    async (state) => {
      const { gateway } = await startTestServices({
        names: ['gateway'],
        set: [`api.state=${state}`, 'seeds.token_secret=0123456789abcdef0123456789abcdef'],
      });
      const document = await fetchDocument(gateway);
      await expectComplete(document);
      const find = (id: string) => operationsOf(document).find(({ operationId }) => operationId === id);
      expect(find('pingSeed')?.security).toEqual([{ seedToken: [] }]);
      expect(find('traceSms')?.security).toEqual([{ adminToken: [] }]);
      expect(Object.keys(find('receiveSms')?.requestBody?.content ?? {})).toEqual([
        'application/json',
        'application/x-www-form-urlencoded',
      ]);
      expect(find('shakeHands')?.requestBody?.content['application/json']?.schema).toMatchObject({
        properties: { public_key: { description: expect.stringContaining('raw line breaks') } },
      });
    },
  );

  test('its responses to bad requests are documented', async () => {
    const { gateway } = await startMessaging({
      set: ['limits.pings=3/1m', 'limits.sessions=9/1m', 'limits.sms=9/1m', 'limits.guesses=3/1m'],
    });
    const document = await fetchDocument(gateway);
    const { fetch, answered } = createRecorder(document);
    await sendBadRequests(gateway, document, fetch);
    // Well-formed requests that exceed a rate limit.
    const send = (path: string, body: object) =>
      fetch(`${gateway}${path}`, { method: 'POST', headers: json, body: JSON.stringify(body) });
    for (let n = 0; n < 5; n++) {
      await send('/seeds/ping', { IMSI: 'a', MSISDN: 'b', seed_type: 'seed' });
      await send('/v2/sync/users/u/sessions/s', { password: 'eA==' });
    }
    expect([...(answered.get('pingSeed') ?? [])].sort()).toEqual([200, 400, 413, 415, 429]);
    expect([...(answered.get('pairPhone') ?? [])].sort()).toEqual([400, 413, 415, 429]);
  });
});

describe('the disconnect service', () => {
  test('its document is valid and complete, and lists every error code', async () => {
    const { url } = await startDisconnect();
    const document = await fetchDocument(url);
    await expectComplete(document);
    expect(operationsOf(document).find(({ operationId }) => operationId === 'disconnect')?.security).toEqual([
      {},
      { disconnectToken: [] },
    ]);
  });

  test.each([[false], [true]])(
    'its responses and their error codes are documented, legacy_status %s',
    async (legacy) => {
      const { url, pcrf } = await startDisconnect({
        set: [`disconnect.legacy_status=${legacy}`, 'limits.disconnects=60/1m'],
      });
      const document = await fetchDocument(url);
      const { fetch, answered } = createRecorder(document);
      pcrf.setMode('refuse', { count: 1 });
      await fetch(`${url}/disconnect?token=${tokenWith()}`);
      await fetch(`${url}/disconnect?token=${tokenWith()}`);
      await fetch(`${url}/disconnect?token=${tokenWith()}`, { headers: { purpose: 'prefetch' } });
      await sendBadRequests(url, document, fetch);
      for (let n = 0; n < 70; n++) await fetch(`${url}/disconnect?token=a.b.c`);
      expect([...(answered.get('disconnect') ?? [])].sort()).toEqual(
        legacy ? [200] : [200, 400, 401, 403, 429, 502],
      );
    },
  );

  test('an unknown route and a wrong method get their error codes', async () => {
    const { url } = await startDisconnect();
    expect(JSON.parse((await get(`${url}/nowhere`)).text).code).toBe(
      'NOT_FOUND' satisfies keyof typeof errorCatalogue,
    );
    const { text } = await get(`${url}/disconnect`, { method: 'PUT' });
    expect(JSON.parse(text).code).toBe('METHOD_NOT_ALLOWED' satisfies keyof typeof errorCatalogue);
  });
});

test('GET / of every service says what it is and where its endpoints are; HEAD does so without a body', async () => {
  const { gateway, sync } = await startTestServices();
  const { url } = await startDisconnect();
  for (const [service, root, words] of [
    ['gateway', gateway, '/docs/json'],
    ['sync', sync.replace('ws:', 'http:'), '/v2/sync/init/<user>/<session>'],
    ['disconnect', url, '/docs/json'],
  ] as const) {
    for (const path of ['/', '/?a=b']) {
      const { status, text, headers } = await get(`${root}${path}`);
      expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
      expect(text.split('\n')[0]).toBe(`swob test: ${service}`);
      expect(text).toContain(words);
      expect(text).toContain('/readyz');
      const head = await get(`${root}${path}`, { method: 'HEAD' });
      expect([head.status, head.text]).toEqual([200, '']);
      expect(head.headers.get('content-length')).toBe(headers.get('content-length'));
    }
  }
});
