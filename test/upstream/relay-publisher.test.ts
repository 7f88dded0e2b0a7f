// What the client of a RelaySMS Publisher sends; publisher.test.ts has what it shares with that of the Publisher.

import { expect, onTestFinished, test } from 'vitest';
import { createRelayPublisher, publicationsUrl } from '../../src/upstream/relay-publisher.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';
import { startRawServer } from './raw-server.ts';

async function relayTo(response: string, tag = '') {
  const server = await startRawServer((socket) => void socket.write(response));
  const clock = createFakeClock();
  const relay = createRelayPublisher({
    url: `http://127.0.0.1:${server.port}`,
    tag,
    timeoutMs: 1_000,
    clock,
    log: createMemoryLog(),
  });
  onTestFinished(async () => void (await relay.close()));
  return {
    server,
    publish: () => relay.publish('a1-b2', '+237650393369', 'AAE+/w==', async () => undefined),
  };
}

const reply = (status: number) => `HTTP/1.1 ${status} x\r\ncontent-length: 0\r\n\r\n`;

test('the request is exactly these bytes', async () => {
  const { server, publish } = await relayTo(reply(200), 'a "tag"');
  expect(await publish()).toEqual({ kind: 'published' });
  const body = '{"address":"+237650393369","text":"AAE+/w==","tag":"a \\"tag\\""}';
  expect(server.requests).toEqual([
    [
      'POST /v1/publications HTTP/1.1',
      `host: 127.0.0.1:${server.port}`,
      'connection: keep-alive',
      'content-type: application/json',
      'user-agent: swob',
      'idempotency-key: a1-b2',
      `content-length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  ]);
});

test('without a tag none is sent', async () => {
  const { server, publish } = await relayTo(reply(200));
  await publish();
  expect(server.requests[0]).toContain('{"address":"+237650393369","text":"AAE+/w=="}');
});

test.each([
  [400, 'rejected'],
  [422, 'rejected'],
  [403, 'refused'],
  [404, 'refused'],
  [500, 'failed'],
])('%d is %s, and the reason names the RelaySMS Publisher', async (status, kind) => {
  const { server, publish } = await relayTo(reply(status));
  const reason = `the RelaySMS Publisher at 127.0.0.1:${server.port} answered ${status}`;
  expect(await publish()).toEqual({ kind, reason });
});

test.each([
  ['https://p.example.org', 'https://p.example.org/v1/publications'],
  ['http://p.example.org:8000/', 'http://p.example.org:8000/v1/publications'],
  ['https://p.example.org/v1/publications', 'https://p.example.org/v1/publications'],
  ['https://p.example.org/v1/publications/', 'https://p.example.org/v1/publications/'],
  ['https://p.example.org/publisher', 'https://p.example.org/publisher/v1/publications'],
  ['http://[::1]:8000?a=b', 'http://[::1]:8000/v1/publications?a=b'],
])('%s posts to %s', (url, expected) => {
  expect(publicationsUrl(url).href).toBe(expected);
});
