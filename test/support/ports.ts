// Ports for tests: occupied ones, and free ones that stay free until a server listens on them.

import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { onEnd } from './teardown.ts';

/** Listens on a port (0: one that the system chooses) until the test ends or `free` is called. */
export async function occupy(port = 0): Promise<{ port: number; free: () => Promise<void> }> {
  const server = createServer((socket) => socket.destroy());
  await listening(server, port);
  const free = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  onEnd(free);
  return { port: portOf(server), free };
}

/** A port without a listener, reserved until this process ends. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

/** As many different free ports. */
export async function freePorts(count: number): Promise<number[]> {
  return process.platform === 'linux' ? reserve(count) : choose(count);
}

let sink: Promise<Server> | undefined;
/** Closed with the process: a server that a test starts again needs its port as long as the test runs. */
const reservations: Socket[] = [];

/**
 * A connection is bound to each of them: Linux then does not assign such a port as a free one, but lets a
 * server that names it listen there, because both set SO_REUSEADDR.
 */
async function reserve(count: number): Promise<number[]> {
  sink ??= listening(createServer((socket) => socket.unref().on('error', () => {})).unref());
  const port = portOf(await sink);
  const sockets = Array.from({ length: count }, () =>
    // With a local address Node binds the socket before it connects; otherwise connections share ports.
    connect({ host: '127.0.0.1', port, localAddress: '127.0.0.1' }).on('error', () => {}),
  );
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  reservations.push(...sockets.map((socket) => socket.unref()));
  return sockets.map(({ localPort = 0 }) => localPort);
}

/** On other systems another process may take the port before it is used. */
async function choose(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listening(createServer())));
  const ports = servers.map(portOf);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function listening(server: Server, port = 0): Promise<Server> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('not a TCP server');
  return address.port;
}
