// The baseline of B6 and B7: relays each request through a pool of undici without any check. Arguments: the upstream's origin, connections.

import { createServer } from 'node:http';
import { Pool } from 'undici';
import { serve } from './serve.ts';

const [upstream = '', connections = '20'] = process.argv.slice(2);
const pool = new Pool(upstream, { connections: Number(connections), pipelining: 1 });

serve(
  createServer(async (request, response) => {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const { method = 'GET', url = '/' } = request;
      const body = chunks.length > 0 ? Buffer.concat(chunks) : null;
      const answer = await pool.request({
        // Safe: the value was received over HTTP and is sent unchanged.
        method: method as 'GET' | 'POST',
        path: url,
        body,
        ...(body && { headers: { 'content-type': 'application/json' } }),
      });
      const text = await answer.body.text();
      response.writeHead(answer.statusCode, { 'content-type': 'application/json' }).end(text);
    } catch {
      response.writeHead(502).end();
    }
  }),
);
