// The baseline of C7: an inbound SMS by fastify: decrypted by AES, posted to the Publisher by a pool of undici, and a
// receipt whose sync is shared. Arguments: the Publisher's origin, connections, the file of receipts, the number of users.

import { createDecipheriv, createHash } from 'node:crypto';
import { Type } from 'typebox';
import { Pool } from 'undici';
import { numberOf, sharedKeyOf } from '../numbers.ts';
import { createFairServer, serveFair } from './serve.ts';
import { openSharedAppend } from './shared-append.ts';

const [upstream = '', connections = '64', file = '', users = '0'] = process.argv.slice(2);
const pool = new Pool(upstream, { connections: Number(connections), pipelining: 1 });
const append = await openSharedAppend(file);
const keys = new Map(
  Array.from({ length: Number(users) }, (_, index) => [numberOf(index), sharedKeyOf(index)]),
);
const app = createFairServer();

const body = Type.Object({
  text: Type.String({ maxLength: 40_000 }),
  MSISDN: Type.String({ maxLength: 64 }),
});

app.post<{ Body: { text: string; MSISDN: string } }>(
  '/sms/platform/gateway-client',
  { schema: { body } },
  async (request, reply) => {
    const { text, MSISDN } = request.body;
    const key = keys.get(MSISDN);
    const message = key === undefined ? undefined : decrypt(key, text);
    reply.type('text/plain; charset=utf-8');
    if (message === undefined) return 'message cannot be published';
    const id = createHash('sha256').update(text).digest('hex');
    const answer = await pool.request({
      method: 'POST',
      path: '/sms',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ MSISDN, message }),
    });
    await answer.body.dump();
    if (answer.statusCode !== 200) return reply.code(502).send('the Publisher failed');
    await append(id);
    return 'message published successfully';
  },
);

function decrypt(key: string, text: string): string | undefined {
  try {
    const content = Buffer.from(text, 'base64').toString('latin1');
    const decipher = createDecipheriv('aes-256-cbc', key, content.slice(0, 16));
    return decipher.update(content.slice(16), 'base64', 'utf8') + decipher.final('utf8');
  } catch {
    return undefined;
  }
}

await serveFair(app);
