// Listening for every service: the backlog, and why it failed. Used by server.ts and the sync service.

import type { Server } from 'node:net';
import { getSystemErrorMap } from 'node:util';
import { messageOf, SwobError } from '../errors.ts';
import { createListener, type Listener } from '../lib/listener.ts';
import { bracketHost } from '../lib/net.ts';

/**
 * Connections that the kernel queues while the process is busy. It drops what exceeds the backlog, and the client retries
 * after a second or more: Node's 511 are too few when all phones or portals of a site reconnect together. The kernel's own
 * limit (`net.core.somaxconn`, 4,096 by default since Linux 5.4) applies too.
 */
const backlog = 4_096;

/** Listens on every address of the host. `start` throws UNAVAILABLE when the port is in use, CONFIG for another reason. */
export function createServiceListener(
  server: Server,
  { name, host, port }: { readonly name: string; readonly host: string; readonly port: number },
): Listener {
  const listener = createListener(server, { host, port, backlog });
  const start = async (): Promise<number> => {
    try {
      return await listener.start();
    } catch (cause) {
      throw listenError(name, host, port, cause);
    }
  };
  return { ...listener, start };
}

/** UNAVAILABLE for a port in use, which may become free; CONFIG for an address that is not this machine's. */
function listenError(name: string, host: string, port: number, cause: unknown): SwobError {
  const isInUse = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
  const code = isInUse ? 'UNAVAILABLE' : 'CONFIG';
  const remedy = isInUse
    ? 'stop the program that uses the port, or choose another port'
    : 'correct host and port in the configuration';
  const message = `${name} cannot listen on ${bracketHost(host)}:${port}: ${reasonOf(cause)}; ${remedy}`;
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
