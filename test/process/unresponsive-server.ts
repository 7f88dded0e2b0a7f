// A server that accepts connections and never responds, simulating an upstream system that hangs.

import { createServer } from 'node:net';
import { onTestFinished } from 'vitest';

/** `called` resolves when the server receives its first data. */
export async function startUnresponsiveServer(): Promise<{ port: number; called: Promise<void> }> {
  let call: () => void = () => {};
  const called = new Promise<void>((resolve) => {
    call = resolve;
  });
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => call());
    onTestFinished(() => void socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  return { port: address.port, called };
}
