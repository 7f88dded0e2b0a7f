// A server that hands its clients over: no new connections, and each open one ends after its next response.

import { Agent, createServer, request, type Server } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { drain } from '../../src/http/drain.ts';
import { createListener } from '../../src/lib/listener.ts';

async function start() {
  const server: Server = createServer((_request, response) => void response.end('ok'));
  const listener = createListener(server, { host: '127.0.0.1', port: 0 });
  const port = await listener.start();
  onTestFinished(() => void server.closeAllConnections());
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  /** The `connection` header of the response, or the code of the error. */
  const send = (through: Agent | false): Promise<string | undefined> =>
    new Promise((resolve) => {
      const sent = request({ host: '127.0.0.1', port, agent: through }, (response) => {
        response.resume().on('end', () => resolve(response.headers.connection));
      });
      sent.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
      sent.end();
    });
  return { server, listener, agent, send };
}

test('a kept connection serves one more request, and then the server has none', async () => {
  const { server, listener, agent, send } = await start();
  expect(await send(agent)).toBe('keep-alive');
  const drained = drain(server, listener);
  expect(await send(false)).toBe('ECONNREFUSED');
  expect(await send(agent)).toBe('close');
  await drained;
  expect(await send(agent)).toBe('ECONNREFUSED');
});

test('an idle connection keeps the drain waiting, and the server can then be closed', async () => {
  const { server, listener, agent, send } = await start();
  await send(agent);
  const drained = drain(server, listener);
  server.close();
  await drained;
});
