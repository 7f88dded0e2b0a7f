// The baseline of C6: GET /disconnect by fastify: jsonwebtoken verifies the token with a KeyObject, a pool of undici calls
// the PCRF, and an audit line whose sync is shared is on disk before the response. Arguments: the PCRF's origin,
// connections, the file of the public key, the file of audit lines.

import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import jwt from 'jsonwebtoken';
import { Type } from 'typebox';
import { Pool } from 'undici';
import { createFairServer, serveFair } from './serve.ts';
import { openSharedAppend } from './shared-append.ts';

const [upstream = '', connections = '20', keyFile = '', auditFile = ''] = process.argv.slice(2);
const pool = new Pool(upstream, { connections: Number(connections), pipelining: 1 });
const key = createPublicKey(readFileSync(keyFile));
const append = await openSharedAppend(auditFile);
const app = createFairServer();

app.get<{ Querystring: { token: string } }>(
  '/disconnect',
  { schema: { querystring: Type.Object({ token: Type.String({ maxLength: 8_192 }) }) } },
  async (request, reply) => {
    const at = Date.now();
    const claims = claimsOf(request.query.token);
    if (!claims) return reply.code(401).send({ success: false, fail: 'the token is not valid' });
    const query = new URLSearchParams({
      session: String(claims.sessionId),
      nas_ip: String(claims.nasIp),
      vrf: String(claims.vrf),
      single: 'false',
      mac: String(claims.clientMac),
      remove_mac: 'true',
    });
    const answer = await pool.request({ method: 'GET', path: `/account/disconnect?${query}` });
    const result: { success?: boolean } = JSON.parse(await answer.body.text());
    const success = answer.statusCode === 200 && result.success !== false;
    const { sub: user, sessionId, nasIp, vrf, clientMac: mac } = claims;
    const { id: requestId, ip: address } = request;
    await append(JSON.stringify({ at, requestId, address, success, user, sessionId, nasIp, vrf, mac }));
    if (success) return { success };
    return reply.code(502).send({ success: false, fail: 'the PCRF failed' });
  },
);

function claimsOf(token: string): jwt.JwtPayload | undefined {
  try {
    const claims = jwt.verify(token, key, { algorithms: ['RS256'] });
    return typeof claims === 'object' ? claims : undefined;
  } catch {
    return undefined;
  }
}

await serveFair(app);
