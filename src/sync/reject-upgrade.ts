// Responds to a websocket upgrade with an HTTP error and closes the connection. Used by server.ts.

import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { SwobError } from '../errors.ts';
import { requestIdHeader } from '../http/request-id.ts';

export function rejectUpgrade(socket: Duplex, error: SwobError, requestId: string): void {
  if (!socket.writable) return void socket.destroy();
  const headers = {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
    [requestIdHeader]: requestId,
    connection: 'close',
    'content-length': Buffer.byteLength(error.publicMessage),
    ...(error.retryAfter !== undefined && { 'retry-after': error.retryAfter }),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${error.httpStatus} ${STATUS_CODES[error.httpStatus]}\r\n${lines.join('')}\r\n${error.publicMessage}`,
    () => socket.destroy(),
  );
}
