// Answers what Node's HTTP parser refused, before there is a request. Used by server.ts.

import type { Socket } from 'node:net';

/** Late, too large, ambiguous, or no HTTP at all: a short plain text, and the connection ends. */
export function answerUnparsable(error: Error & { code?: string }, socket: Socket): void {
  // Without a handshake nothing can be said, and waiting to say it would keep the socket for ever.
  const noTls = /^ERR_(TLS|SSL)/.test(error.code ?? '');
  if (noTls || error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const status =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? '408 Request Timeout'
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? '431 Request Header Fields Too Large'
        : '400 Bad Request';
  const body = status.slice(4).toLowerCase();
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n` +
      `Connection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    // A peer that does not read must not keep the socket.
    () => socket.destroy(),
  );
}
