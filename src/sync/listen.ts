// Listening that settles on either event: `listen()` alone never rejects on a busy port.

import type { Server } from 'node:net';
import { acceptQueue, listenError } from '../http/listening.ts';

/** @returns the port that is bound; throws UNAVAILABLE or CONFIG with the address. */
export function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(listenError('the sync websocket', host, port, error));
    server.once('error', failed);
    server.listen({ host, port, backlog: acceptQueue }, () => {
      server.off('error', failed);
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}
