// How ioredis connects to a master that may be replaced: looked up for every attempt, and left when it is no longer the
// master. Used by sentinel.ts and topology.ts.

import { connect, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector, type RedisOptions } from 'ioredis';
import { formatAddress, type RedisAddress } from './address.ts';
import type { ClientOptions } from './connection.ts';
import { unavailable } from './failure.ts';

interface MasterConnector {
  /** For the options of the client. */
  readonly Connector: NonNullable<RedisOptions['Connector']>;
  /** Destroys the connections to every other address; `explain` says why. */
  leaveAllBut(address: string | undefined, explain: (left: string) => Error): void;
}

/** `findMaster` throws while there is none: the client then tries again, as after a refused connection. */
export function createMasterConnector(
  findMaster: () => Promise<RedisAddress>,
  { tls, disconnectTimeout }: Pick<ClientOptions, 'tls' | 'disconnectTimeout'>,
): MasterConnector {
  const connected = new Map<Socket, string>();

  class Connector extends AbstractConnector {
    constructor() {
      super(disconnectTimeout);
    }

    async connect(): Promise<Socket> {
      this.connecting = true;
      try {
        const master = await findMaster();
        const address = formatAddress(master);
        if (!this.connecting) throw unavailable(address, 'is no longer connected', 'swob is stopping');
        const socket = tls ? connectTls({ ...master, ...tls }) : connect(master);
        this.stream = socket;
        connected.set(socket, address);
        socket.once('close', () => connected.delete(socket));
      } catch (error) {
        // The client retries after a socket that fails, but never after a connector that does.
        this.firstError = error instanceof Error ? error : new Error(String(error));
        this.stream = new Socket().destroy();
      }
      return this.stream;
    }
  }

  return {
    Connector,
    leaveAllBut: (current, explain) => {
      for (const [socket, address] of connected) {
        if (address !== current) socket.destroy(explain(address));
      }
    },
  };
}
