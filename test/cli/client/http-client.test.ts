import { describe, expect, test } from 'vitest';
import { createHttpClient } from '../../../src/cli/client/http-client.ts';
import { startGateway } from '../harness.ts';

describe('the HTTP client', () => {
  test('times out when a gateway accepts the call and never responds', async () => {
    const { url } = await startGateway(() => undefined);
    const http = createHttpClient({ baseUrl: url, signal: new AbortController().signal, timeoutMs: 50 });
    await expect(http.text({ path: '/seeds' })).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/^no response from http:.* within 0.05 s; start it/),
    });
  });

  test('follows no redirect, so that no token reaches another server', async () => {
    const other = await startGateway(() => ({ body: 'stolen' }));
    const { url } = await startGateway(() => ({ status: 307, headers: { Location: other.url } }));
    const http = createHttpClient({ baseUrl: url, signal: new AbortController().signal });
    await expect(
      http.text({ method: 'POST', path: '/', body: {}, headers: { Authorization: 'Bearer x' } }),
    ).rejects.toMatchObject({
      code: 'UPSTREAM',
      message: expect.stringContaining(`redirects to ${other.url}`),
    });
    expect(other.requests).toEqual([]);
  });

  test.each([
    ['a service of swob', 'not found'],
    ['the disconnect service', '{"success":false,"fail":"not found","code":"NOT_FOUND"}'],
    ['another web server', '<html><h1>404 Not Found</h1></html>'],
  ])('says which path %s does not have, and what --url should name', async (_server, body) => {
    const { url } = await startGateway(() => ({ status: 404, body }));
    const { signal } = new AbortController();
    const http = createHttpClient({ baseUrl: url, signal, name: 'disconnect service' });
    await expect(http.text({ path: '/disconnects?limit=1' })).rejects.toMatchObject({
      code: 'UPSTREAM',
      message: `${url} has no /disconnects; name the disconnect service with --url`,
    });
  });

  test('says that a sync websocket is not the service', async () => {
    const { url } = await startGateway(() => ({ status: 426, body: 'this port speaks websocket only' }));
    const http = createHttpClient({ baseUrl: url, signal: new AbortController().signal });
    await expect(http.text({ path: '/seeds' })).rejects.toMatchObject({
      code: 'UPSTREAM',
      message: `${url} speaks websocket only; name the gateway with --url`,
    });
  });

  test('says that a server switches to another protocol, after which no response comes', async () => {
    const headers = { Connection: 'Upgrade', Upgrade: 'other' };
    const { url } = await startGateway(() => ({ status: 101, headers }));
    const http = createHttpClient({ baseUrl: url, signal: new AbortController().signal });
    await expect(http.text({ path: '/seeds' })).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining('it switches to another protocol'),
    });
  });

  test('says that a service does not speak TLS', async () => {
    const { url } = await startGateway(() => undefined);
    const baseUrl = url.replace('http:', 'https:');
    const http = createHttpClient({ baseUrl, signal: new AbortController().signal });
    await expect(http.text({ path: '/seeds' })).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: `${baseUrl} does not speak TLS as expected; name the gateway with --url, as http://… without TLS`,
    });
  });

  test('shows only the beginning of a long response', async () => {
    const { url } = await startGateway(() => ({ status: 500, body: 'x'.repeat(100_000) }));
    const http = createHttpClient({ baseUrl: url, signal: new AbortController().signal });
    await expect(http.text({ path: '/' })).rejects.toThrow(/^the gateway responded with 500: x{300}…$/);
  });
});
