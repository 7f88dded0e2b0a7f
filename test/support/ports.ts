// Ports: one that is taken for the length of a test, and one that is free.

import { createServer } from 'node:net';
import { onTestFinished } from 'vitest';

/** Listens on a port (0: one that the system chooses) until the test ends or `free` is called. */
export async function occupy(port = 0): Promise<{ port: number; free: () => Promise<void> }> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('not a TCP server');
  const free = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  onTestFinished(free);
  return { port: address.port, free };
}

export async function freePort(): Promise<number> {
  const { port, free } = await occupy();
  await free();
  return port;
}
