// Listening, closing and reading a body, as the stand-ins need them.

import type { IncomingMessage, Server } from 'node:http';
import { serviceUrl } from '../domain/addresses.ts';
import { messageOf, SwobError } from '../errors.ts';

const maxBodyBytes = 64 * 1024;

/** Resolves to `http://host:port` as bound; throws UNAVAILABLE when the address cannot be listened on. */
export function listen(server: Server, { host, port }: { host: string; port: number }): Promise<string> {
  return new Promise((resolve, reject) => {
    server.on('error', (cause) => {
      const where = serviceUrl('http', host, port).slice('http://'.length);
      const message = `cannot listen on ${where}: ${messageOf(cause)}; choose another`;
      reject(new SwobError('UNAVAILABLE', message, { cause }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : port;
      resolve(serviceUrl('http', host, bound));
    });
  });
}

/** Ends open connections too. */
export function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** The body as text; undefined as soon as it is over 64 KiB. Rejects when the client goes away. */
export function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  // Not `for await`: leaving it early would destroy the socket before the answer is out.
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBodyBytes) chunks.push(chunk);
      else resolve(undefined);
    });
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.on('close', () => reject(new Error('the request was cut off')));
  });
}
