// Starts a baseline server on a free port and prints its URL. Used by the servers of this folder.

import type { Server } from 'node:http';

export function serve(server: Server): void {
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (typeof address !== 'object' || !address) return;
    process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${address.port}` })}\n`);
  });
}
