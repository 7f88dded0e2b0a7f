// Listening for every service: the backlog, and why it failed. Used by server.ts and the sync service.

import type { Server } from 'node:net';
import { getSystemErrorMap } from 'node:util';
import { messageOf, SwobError } from '../errors.ts';

/**
 * Connections that the kernel queues while the process is busy. It drops what exceeds the backlog, and the client retries
 * after a second or more: Node's 511 are too few when all phones or portals of a site reconnect together. The kernel's own
 * limit (`net.core.somaxconn`, 4,096 by default since Linux 5.4) applies too.
 */
export const listenBacklog = 4_096;

/** UNAVAILABLE for a port in use, which may become free; CONFIG for an address that is not this machine's. */
export function listenError(name: string, host: string, port: number, cause: unknown): SwobError {
  const isInUse = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
  const code = isInUse ? 'UNAVAILABLE' : 'CONFIG';
  const remedy = isInUse
    ? 'stop the program that uses the port, or choose another port'
    : 'correct host and port in the configuration';
  const message = `${name} cannot listen on ${host}:${port}: ${reasonOf(cause)}; ${remedy}`;
  return new SwobError(code, message, { cause });
}

/** The error of a worker of node:cluster, `bind EADDRINUSE 127.0.0.1:80`, in the words of a single process. */
function reasonOf(cause: unknown): string {
  const message = messageOf(cause);
  const [, where] = /^bind E\w+ (.*)$/.exec(message) ?? [];
  const number = cause instanceof Error && 'errno' in cause ? Number(cause.errno) : 0;
  const [code, meaning] = getSystemErrorMap().get(number) ?? [];
  return where === undefined || code === undefined ? message : `listen ${code}: ${meaning} ${where}`;
}

/** The port that a server is bound to. */
export function boundPort(server: Pick<Server, 'address'>, requested: number): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : requested;
}

/** Settles on either event: `listen()` alone never rejects for a busy port. Throws what `listenError` makes. */
export function listen(server: Server, name: string, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(listenError(name, host, port, error));
    server.once('error', onError);
    server.listen({ host, port, backlog: listenBacklog }, () => {
      server.off('error', onError);
      resolve(boundPort(server, port));
    });
  });
}
