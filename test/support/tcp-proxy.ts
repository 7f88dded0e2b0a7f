// A network between two programs that a test can cut: nothing gets through, nothing is refused, as when a cable is
// pulled.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface TcpProxy {
  readonly port: number;
  /** From now on what is sent is lost. */
  cut(): void;
  /** Joined again: connections of before are reset, new ones get through. */
  mend(): void;
}

/** To a port of 127.0.0.1; gone with the test. */
export async function startProxy(target: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  const pass = (from: Socket, to: Socket): void => {
    from.on('data', (chunk) => {
      if (!isCut) to.write(chunk);
    });
    from.on('close', () => {
      if (!isCut) to.destroy();
    });
  };
  const server = createServer((client) => {
    track(client);
    // Accepted by the kernel in any case: what follows gets no answer.
    if (isCut) return void client.resume();
    const upstream = track(connect(target, '127.0.0.1'));
    pass(client, upstream);
    pass(upstream, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const reset = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(() => {
    reset();
    server.close();
  });
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('not a TCP server');
  return {
    port: address.port,
    cut: () => {
      isCut = true;
    },
    mend: () => {
      isCut = false;
      reset();
    },
  };
}
