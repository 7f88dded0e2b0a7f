// A PCRF that answers 408 because its own idle timeout has passed, and what is no such answer: that is never repeated.

import type { Socket } from 'node:net';
import { expect, test, vi } from 'vitest';
import { createFakeClock } from '../support/fake-clock.ts';
import { createClient, failureOf, session } from './pcrf-client.ts';
import { good } from './pcrf-servers.ts';
import { httpResponse, startRawServer } from './raw-server.ts';

/** As Node's server writes it. */
const idleTimeout = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n';

/** Answers each request with the next of these, and closes the connection after a 408. */
async function startServer(answers: readonly (string | Buffer)[]) {
  const left = [...answers];
  return startRawServer((socket) => {
    const answer = left.shift() ?? good;
    if (String(answer).includes(' 408 ')) socket.end(answer);
    else socket.write(answer);
  });
}

test('a 408 of the idle timeout on a reused connection repeats the call once, on a new connection', async () => {
  const server = await startServer([good, idleTimeout, good]);
  const pcrf = createClient({ port: server.port });
  await pcrf.succeed(session);
  await pcrf.succeed(session);
  expect(server.requests).toHaveLength(3);
  expect(server.accepted).toHaveLength(2);
});

test('so does one on a connection that was opened in advance, and the new one is none of those', async () => {
  const server = await startServer([idleTimeout, good]);
  const pcrf = createClient({ port: server.port, min: 2 });
  await vi.waitFor(() => expect(server.accepted).toHaveLength(2));
  await pcrf.succeed(session);
  expect(server.accepted).toHaveLength(3);
});

test.each([
  ['a second one', [good, idleTimeout, idleTimeout], 3],
  ['one on a new connection', [idleTimeout], 1],
  [
    'one with a body, such as of a PCRF whose NAS did not answer',
    [good, with408('{"error":"NAS"}', 'Connection: close')],
    2,
  ],
  ['one that keeps the connection', [good, with408('')], 2],
  ['one with a Date, which an application sends', [good, with408('', 'Connection: close', 'Date: x')], 2],
])('%s is a failure', async (_case, answers, requests) => {
  const server = await startServer(answers);
  const pcrf = createClient({ port: server.port });
  for (const _ of answers.filter((each) => each === good)) await pcrf.succeed(session);
  expect(await failureOf(pcrf.disconnect(session))).toMatchObject({
    kind: 'rejected',
    reason: expect.stringContaining('answered 408'),
  });
  expect(server.requests).toHaveLength(requests);
});

function with408(body: string, ...headers: string[]): Buffer {
  return httpResponse(body, 408, headers);
}

test('the repeated call stays within the time of the first', async () => {
  const clock = createFakeClock();
  const held: Socket[] = [];
  const server = await startRawServer((socket) => void held.push(socket));
  const pcrf = createClient({ port: server.port, clock, min: 1, timeoutMs: 1_000 });
  await vi.waitFor(() => expect(server.accepted).toHaveLength(1));
  const failure = failureOf(pcrf.disconnect(session));
  await vi.waitFor(() => expect(held).toHaveLength(1));
  clock.advance(600);
  held[0]?.end(idleTimeout);
  await vi.waitFor(() => expect(held).toHaveLength(2));
  clock.advance(400);
  expect((await failure).kind).toBe('timeout');
});
