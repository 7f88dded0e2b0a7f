// Checks whether a server listens at an address, by a TCP connection over which nothing is sent. Used by readiness checks and by
// `swob doctor`.

import { createConnection } from 'node:net';
import { SwobError } from '../errors.ts';
import { unbracketHost } from '../lib/net.ts';

export interface Endpoint {
  /** Name or address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Resolves once connected; throws UNREACHABLE with the system's reason, also when the signal aborts. */
export function probeTcp({ host, port }: Endpoint, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port, signal });
    socket.once('connect', () => {
      // Not `end`: nothing has to be flushed.
      socket.destroy();
      resolve();
    });
    socket.on('error', (cause: NodeJS.ErrnoException) => {
      const reason = signal.aborted ? 'no response in time' : (cause.code ?? 'failed');
      reject(new SwobError('UNREACHABLE', `${host}:${port}: ${reason}`, { cause }));
    });
  });
}

/** Host and port of a URL. */
export function endpointOf(url: string): Endpoint {
  const { hostname, port, protocol } = new URL(url);
  const defaultPorts: Readonly<Record<string, number>> = { 'https:': 443, 'amqp:': 5672, 'amqps:': 5671 };
  return { host: unbracketHost(hostname), port: Number(port) || (defaultPorts[protocol] ?? 80) };
}
