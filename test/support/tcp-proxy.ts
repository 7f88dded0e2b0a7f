// A TCP proxy that a test can cut like a cable, or stop like a server: a fraction of the time that a server's restart takes.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { freePort } from './ports.ts';
import { onEnd } from './teardown.ts';

export interface TcpProxy {
  readonly port: number;
  /** Drops everything that is sent from now on. */
  disconnect(): void;
  /** The same after this many more bytes from clients; resolves then. */
  disconnectAfter(bytes: number): Promise<void>;
  /** Ends all connections and refuses new ones, like a server that is killed. */
  refuse(): Promise<void>;
  /** New connections go to another port, as those of a balancer do. */
  retarget(port: number): void;
  /** Restores the network: earlier connections are reset, new ones work. */
  reconnect(): Promise<void>;
}

/** To a port of 127.0.0.1; closed at the end of the test. */
export async function startProxy(target: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let isCut = false;
  let targetPort = target;
  let bytesLeft = Number.POSITIVE_INFINITY;
  let onUsedUp = (): void => {};
  const count = (chunk: Buffer): void => {
    bytesLeft -= chunk.length;
    if (bytesLeft > 0 || isCut) return;
    isCut = true;
    onUsedUp();
  };
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
    // Accepted by the kernel in any case: later data gets no response.
    if (isCut) return void client.resume();
    const upstream = track(connect(targetPort, '127.0.0.1'));
    client.on('data', count);
    pass(client, upstream);
    pass(upstream, client);
  });
  const port = await freePort();
  const listen = async (): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen();
  const reset = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  onEnd(() => {
    reset();
    server.close();
  });
  return {
    port,
    disconnect: () => {
      isCut = true;
    },
    disconnectAfter: (bytes) => {
      bytesLeft = bytes;
      return new Promise((resolve) => {
        onUsedUp = resolve;
      });
    },
    retarget: (newPort) => {
      targetPort = newPort;
    },
    refuse: async () => {
      const closed = once(server, 'close');
      server.close();
      reset();
      await closed;
    },
    reconnect: async () => {
      isCut = false;
      bytesLeft = Number.POSITIVE_INFINITY;
      reset();
      if (!server.listening) await listen();
    },
  };
}
