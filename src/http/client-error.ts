// Responds to what Node's HTTP parser rejects, before there is a request. Used by server.ts and the sync service.

import type { Socket } from 'node:net';

/**
 * For requests that are late, too large, ambiguous or not HTTP: responds with a status and ends the connection. There is no
 * body, because gateway clients keep any body of `GET /seeds/<IMSI>` as their number, and the path is not known here.
 */
export function handleClientError(error: Error & { code?: string }, socket: Socket): void {
  // Nothing can be sent before the TLS handshake, and waiting for it would keep the socket open for ever.
  const isTlsError = /^ERR_(TLS|SSL)/.test(error.code ?? '');
  if (isTlsError || error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const status =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? '408 Request Timeout'
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? '431 Request Header Fields Too Large'
        : '400 Bad Request';
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n` +
      'Connection: close\r\nContent-Length: 0\r\n\r\n',
    // A peer that does not read must not keep the socket open.
    () => socket.destroy(),
  );
}
