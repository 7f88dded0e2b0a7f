// A local HTTP server whose responses a test writes itself; it closes with the test.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { onEnd } from '../support/teardown.ts';

export interface HostileServer {
  readonly url: string;
  /** The requests received, in order. */
  readonly requests: { method: string; path: string; headers: IncomingMessage['headers']; body: string }[];
}

export type Handler = (response: ServerResponse, request: IncomingMessage) => void;

/** A handler that always sends the same response. */
export const respondWith =
  (status: number, body = '', headers: Record<string, string | string[]> = {}): Handler =>
  (response) =>
    void response.writeHead(status, headers).end(body);

export async function startHostileServer(handlers: Record<string, Handler>): Promise<HostileServer> {
  const requests: HostileServer['requests'] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = '', url: path = '', headers } = request;
    requests.push({ method, path, headers, body: Buffer.concat(chunks).toString('utf8') });
    const handler = handlers[`${method} ${path.split('?')[0]}`];
    if (handler) handler(response, request);
    else response.writeHead(404).end();
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  onEnd(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return { url: `http://127.0.0.1:${port}`, requests };
}
