// A TCP server whose connections a test handles itself; it closes with the test.

import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface RawServer {
  readonly port: number;
  /** Every connection that was ever made, in order. */
  readonly accepted: readonly Socket[];
  /** Those that are open now. */
  readonly open: ReadonlySet<Socket>;
  /** The text of every request so far. */
  readonly requests: readonly string[];
}

/** Calls `onRequest` with each complete request. */
export async function startRawServer(
  onRequest: (socket: Socket, request: string) => void,
  host = '127.0.0.1',
): Promise<RawServer> {
  const accepted: Socket[] = [];
  const open = new Set<Socket>();
  const requests: string[] = [];
  const server = createServer((socket) => {
    accepted.push(socket);
    open.add(socket);
    socket.on('close', () => open.delete(socket)).on('error', () => undefined);
    let request = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      request += String(chunk);
      if (!isWhole(request)) return;
      requests.push(request);
      onRequest(socket, request);
      request = '';
    });
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject).listen(0, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  );
  return { port, accepted, open, requests };
}

function isWhole(request: string): boolean {
  const [head, body] = request.split(/\r\n\r\n(.*)/s);
  const length = /^content-length: (\d+)$/im.exec(head ?? '')?.[1] ?? 0;
  return body !== undefined && Buffer.byteLength(body) >= Number(length);
}

/** A response with its length. */
export function httpResponse(body: string | Buffer, status = 200, headers: readonly string[] = []): Buffer {
  const bytes = Buffer.from(body);
  const lines = [`HTTP/1.1 ${status} Text`, `Content-Length: ${bytes.length}`, ...headers, '', ''];
  return Buffer.concat([Buffer.from(lines.join('\r\n')), bytes]);
}
