// Connections to the PCRF that are kept open before the first call.

import type { Socket } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { startPcrfStub } from '../../src/stubs/pcrf.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createClient, portOf, session } from './pcrf-client.ts';
import { good } from './pcrf-servers.ts';
import { httpResponse, startRawServer } from './raw-server.ts';

describe('warm connections', () => {
  test('are open before the first call, which takes one', async () => {
    const server = await startRawServer((socket) => void socket.write(good));
    const pcrf = createClient({ port: server.port, min: 2, max: 3 });
    await vi.waitFor(() => expect(server.open.size).toBe(2));
    await pcrf.succeed(session);
    expect(server.accepted).toHaveLength(2);
  });

  test('are at most as many as the pool allows', async () => {
    const server = await startRawServer((socket) => void socket.write(good));
    const pcrf = createClient({ port: server.port, min: 9, max: 2 });
    await pcrf.succeed(session);
    expect(server.accepted).toHaveLength(2);
  });

  test.each([
    ['ended', (socket: Socket) => void socket.end()],
    ['reset', (socket: Socket) => void socket.resetAndDestroy()],
    ['ended with a 408', (socket: Socket) => void socket.end(httpResponse('', 408))],
  ])('that the server %s are opened again within 5 s', async (_case, end) => {
    const clock = createFakeClock();
    const server = await startRawServer((socket) => void socket.write(good));
    const pcrf = createClient({ port: server.port, clock, min: 2 });
    await vi.waitFor(() => expect(server.open.size).toBe(2));
    for (const socket of server.open) end(socket);
    await vi.waitFor(() => expect(server.open.size).toBe(0));
    await vi.waitFor(() => {
      clock.advance(5_000);
      expect(server.open.size).toBe(2);
    });
    await pcrf.succeed(session);
  });

  test('to a dead PCRF are attempted once per check, which is logged at debug only', async () => {
    const clock = createFakeClock();
    const stub = await startPcrfStub({ host: '127.0.0.1', port: 0 });
    await stub.close();
    const pcrf = createClient({ port: portOf(stub.url), clock, min: 1 });
    await vi.waitFor(() => expect(pcrf.log.lines).toHaveLength(1));
    clock.advance(4_999);
    await new Promise(setImmediate);
    expect(pcrf.log.lines).toHaveLength(1);
    clock.advance(1);
    await vi.waitFor(() => expect(pcrf.log.lines).toHaveLength(2));
    expect(pcrf.log.lines.every(({ level }) => level === 'debug')).toBe(true);
  });
});
