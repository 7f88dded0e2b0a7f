// Listening that settles on either event: `listen()` alone never rejects on a busy port.

import type { Server } from 'node:net';
import { messageOf, SwobError } from '../errors.ts';

/** @returns the port that is bound; throws UNAVAILABLE with the address. */
export function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      const what = `the sync websocket cannot listen on ${host}:${port}: ${messageOf(error)}`;
      reject(new SwobError('UNAVAILABLE', what, { cause: error }));
    };
    server.once('error', failed);
    server.listen({ host, port }, () => {
      server.off('error', failed);
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}
