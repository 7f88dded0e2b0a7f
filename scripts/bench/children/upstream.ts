// The systems around swob in one server, fast enough never to limit a result: PCRF, Publisher, user management API.
// GET /count returns what it received: {"published": n, "disconnected": n}.

import { createServer } from 'node:http';
import { serve } from './serve.ts';

const json = { 'content-type': 'application/json' };
const counts = { published: 0, disconnected: 0 };
const platforms = JSON.stringify({
  saved_platforms: [
    { name: 'gmail', description: 'mail', type: 'email', letter: 'g', logo: '/logos/gmail.svg' },
  ],
  unsaved_platforms: [],
});

serve(
  createServer((request, response) => {
    const { url = '' } = request;
    request.resume();
    request.on('end', () => {
      if (url === '/count') return void response.writeHead(200, json).end(JSON.stringify(counts));
      if (url.endsWith('/verify')) {
        return void response
          .writeHead(200, { ...json, 'set-cookie': 'session=1; Path=/; HttpOnly' })
          .end('{}');
      }
      if (url.endsWith('/platforms')) return void response.writeHead(200, json).end(platforms);
      if (url.startsWith('/account/disconnect') || url.startsWith('/disconnect')) counts.disconnected++;
      else counts.published++;
      response.writeHead(200, json).end('{"success":true}');
    });
  }),
);
