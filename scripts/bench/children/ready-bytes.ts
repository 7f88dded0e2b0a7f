// The baseline of C2: a server of node:http that sends the bytes of a file (argument) in response to every request.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { serve } from './serve.ts';

const bytes = readFileSync(process.argv[2] ?? '');
const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': bytes.length };

serve(createServer((_request, response) => response.writeHead(200, headers).end(bytes)));
