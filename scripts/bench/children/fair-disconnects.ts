// The baseline of C6: GET /disconnect by fastify: jsonwebtoken verifies the token with a KeyObject, its claims are checked, a pool of
// undici calls the PCRF, and an audit line whose sync is shared is on disk before the response. Arguments: the PCRF's origin,
// connections, the file of the public key, the file of audit lines.

import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import jwt from 'jsonwebtoken';
import { Type } from 'typebox';
import { Pool } from 'undici';
import { pcrfPath } from './pcrf-path.ts';
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
    const { sub: user, sessionId, nasIp, vrf, clientMac: mac } = claims;
    const answer = await pool.request({ method: 'GET', path: pcrfPath(claims) });
    const result: { success?: boolean } = JSON.parse(await answer.body.text());
    const success = answer.statusCode === 200 && result.success !== false;
    const { id: requestId, ip: address } = request;
    await append(JSON.stringify({ at, requestId, address, success, user, sessionId, nasIp, vrf, mac }));
    if (success) return { success };
    return reply.code(502).send({ success: false, fail: 'the PCRF failed' });
  },
);

interface Claims {
  readonly sub?: string;
  readonly sessionId: string;
  readonly nasIp: string;
  readonly vrf: string;
  readonly clientMac: string;
}

/** Undefined for a token that is not valid, or does not say which session to end. */
function claimsOf(token: string): Claims | undefined {
  try {
    const claims = jwt.verify(token, key, { algorithms: ['RS256'] });
    return isClaims(claims) ? claims : undefined;
  } catch {
    return undefined;
  }
}

const macPattern = /^[0-9A-F]{2}(-[0-9A-F]{2}){5}$/;

function isClaims(claims: string | jwt.JwtPayload): claims is jwt.JwtPayload & Claims {
  if (typeof claims === 'string') return false;
  const { sessionId, nasIp, vrf, clientMac } = claims;
  const isText = [sessionId, nasIp, vrf, clientMac].every(
    (claim) => typeof claim === 'string' && claim !== '',
  );
  return isText && isIP(nasIp) !== 0 && macPattern.test(clientMac);
}

await serveFair(app);
