// Whether somebody listens at an address: a TCP connection that is opened and closed, and nothing said. Used by the
// readiness checks and by `swob doctor`.

import { createConnection } from 'node:net';
import { SwobError } from '../errors.ts';

export interface Endpoint {
  /** Name or address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Resolves when a connection stands; throws UNREACHABLE with the system's reason, also when the signal aborts. */
export function connectOnce({ host, port }: Endpoint, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port, signal });
    socket.once('connect', () => {
      // Nothing was sent and nothing is waited for.
      socket.destroy();
      resolve();
    });
    socket.on('error', (cause: NodeJS.ErrnoException) => {
      const reason = signal.aborted ? 'no answer in time' : (cause.code ?? 'failed');
      reject(new SwobError('UNREACHABLE', `${host}:${port}: ${reason}`, { cause }));
    });
  });
}

/** Where a URL leads. */
export function endpointOf(url: string): Endpoint {
  const { hostname, port, protocol } = new URL(url);
  const usual: Readonly<Record<string, number>> = { 'https:': 443, 'amqp:': 5672, 'amqps:': 5671 };
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (usual[protocol] ?? 80) };
}
