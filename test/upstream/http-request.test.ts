// One request: when it is retried, and when it must not be.

import { createConnection } from 'node:net';
import { Client } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import { sendRequest } from '../../src/upstream/http-request.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { httpResponse, startRawServer } from './raw-server.ts';

/** A client whose first connections fail with these codes. */
function clientWith(port: number, codes: readonly string[]) {
  const left = [...codes];
  const counts = { attempts: 0 };
  const client = new Client(`http://127.0.0.1:${port}`, {
    connect: (_options, callback) => {
      counts.attempts += 1;
      const code = left.shift();
      if (code !== undefined) {
        queueMicrotask(() => callback(Object.assign(new Error('no'), { code }), null));
        return;
      }
      const socket = createConnection({ port, host: '127.0.0.1' });
      socket.once('connect', () => callback(null, socket));
    },
  });
  onTestFinished(() => client.destroy());
  return { client, counts };
}

const options = { path: '/x', headers: {}, timeoutMs: 1_000, maxBodyBytes: 10 };

test('a refused connection is retried once, and the request is sent once', async () => {
  const clock = createFakeClock();
  const server = await startRawServer((socket) => void socket.write(httpResponse('{}')));
  const { client, counts } = clientWith(server.port, ['ECONNREFUSED']);
  const result = await sendRequest(client, options, { clock });
  expect(result).toMatchObject({ kind: 'response', status: 200, body: Buffer.from('{}') });
  expect(counts.attempts).toBe(2);
  expect(server.requests).toHaveLength(1);
  expect(clock.pending).toBe(0);
});

test.each([
  ['refused twice', ['ECONNREFUSED', 'ECONNREFUSED'], 'ECONNREFUSED', 2],
  ['reset', ['ECONNRESET'], 'ECONNRESET', 1],
  ['not routed', ['EHOSTUNREACH'], 'EHOSTUNREACH', 1],
])('a connection that is %s is unreachable', async (_case, codes, code, attempts) => {
  const clock = createFakeClock();
  const server = await startRawServer((socket) => void socket.write(httpResponse('{}')));
  const { client, counts } = clientWith(server.port, codes);
  expect(await sendRequest(client, options, { clock })).toMatchObject({ kind: 'unreachable', code });
  expect(counts.attempts).toBe(attempts);
  expect(server.requests).toHaveLength(0);
  expect(clock.pending).toBe(0);
});
