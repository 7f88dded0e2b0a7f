// /docs of the gateway and the disconnect service: the page, created on the first request, with the usual headers.

import { expect, test } from 'vitest';
import { get } from '../support/phone.ts';
import { startTestServices } from '../support/services.ts';

test('concurrent requests get the page, its files and the OpenAPI text', async () => {
  const { gateway } = await startTestServices();
  const paths = ['/docs', '/docs/json', '/docs/static/swagger-ui.css', '/docs/nothing'];
  const responses = await Promise.all(paths.map((path) => get(`${gateway}${path}`)));
  expect(responses.map(({ status, headers }) => [status, headers.get('content-type')])).toEqual([
    [200, 'text/html; charset=utf-8'],
    [200, 'application/json; charset=utf-8'],
    [200, 'text/css; charset=utf-8'],
    [404, 'text/plain; charset=utf-8'],
  ]);
  for (const { headers } of responses) {
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  }

  const [page, openapi] = responses.map(({ text }) => text);
  expect(page).toContain('swagger-ui');
  // All routes but the page's own.
  const { paths: routes } = JSON.parse(openapi ?? '');
  expect(Object.keys(routes)).toEqual(expect.arrayContaining(['/seeds/ping', '/v1/sms']));
  expect(Object.keys(routes).filter((path) => path.includes('docs'))).toEqual([]);
});
