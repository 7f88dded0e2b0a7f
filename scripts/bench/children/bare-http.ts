// The bare node:http servers of B1 to B3, and of the growth of lists: `ping` parses and checks, `bytes` sends a file
// from its arguments, `get` sends a line.

import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { serve } from './serve.ts';

const [kind = 'get', file = ''] = process.argv.slice(2);
const plain = { 'content-type': 'text/plain; charset=utf-8' };
const identifier = /^[A-Za-z0-9_.+-]{1,64}$/;

function ping(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const lps = request.url === '/seeds/ping' ? lpsOf(Buffer.concat(chunks).toString()) : undefined;
    if (lps === undefined) response.writeHead(400, plain).end('bad request');
    else
      response
        .writeHead(200, { 'content-type': plain['content-type'], 'content-length': lps.length })
        .end(lps);
  });
}

/** The checks of POST /seeds/ping. */
function lpsOf(text: string): string | undefined {
  try {
    const { IMSI, MSISDN, seed_type } = JSON.parse(text);
    const wellFormed =
      typeof IMSI === 'string' &&
      identifier.test(IMSI) &&
      typeof MSISDN === 'string' &&
      identifier.test(MSISDN) &&
      (seed_type === 'seed' || seed_type === 'seeder');
    return wellFormed ? String(Date.now() / 1_000) : undefined;
  } catch {
    return undefined;
  }
}

const bytes =
  kind === 'bytes' ? readFileSync(file) : Buffer.from(`ws://127.0.0.1:6996/v2/sync/init/${'0'.repeat(40)}`);
const headers = {
  'content-type': kind === 'bytes' ? 'application/json; charset=utf-8' : plain['content-type'],
  'content-length': bytes.length,
};

serve(
  createServer((request, response) => {
    if (kind === 'ping') ping(request, response);
    else response.writeHead(200, headers).end(bytes);
  }),
);
