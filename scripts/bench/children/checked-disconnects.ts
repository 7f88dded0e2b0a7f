// The second baseline of C6: as fair-disconnects.ts, with the strict form of the token and its claims, the limit of the address, one
// call for concurrent requests with the same token, the whole audit record, and two log lines. The same arguments.

import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Type } from 'typebox';
import { Pool } from 'undici';
import { systemClock } from '../../../src/app/system-clock.ts';
import { createTokenVerifier } from '../../../src/crypto/jwt.ts';
import { newSessionId, sha256Hex } from '../../../src/crypto/random.ts';
import type { WifiSession } from '../../../src/domain/wifi/model.ts';
import { wifiSessionOf } from '../../../src/domain/wifi/session-claims.ts';
import { consumeLimits, createLoggingServer } from './checks.ts';
import { pcrfPath } from './pcrf-path.ts';
import { serveFair } from './serve.ts';
import { openSharedAppend } from './shared-append.ts';

interface Outcome {
  readonly success: boolean;
  readonly session: WifiSession;
}

const [upstream = '', connections = '20', keyFile = '', auditFile = ''] = process.argv.slice(2);
const pool = new Pool(upstream, { connections: Number(connections), pipelining: 1 });
const verifier = createTokenVerifier({
  key: createPublicKey(readFileSync(keyFile)),
  secret: undefined,
  algorithms: ['RS256'],
  leewayMs: 5_000,
  leewaySetting: '[validation] leeway',
  maxLifetimeMs: 0,
  clock: systemClock,
});
const append = await openSharedAppend(auditFile);
const running = new Map<string, Promise<Outcome>>();
const { app, log } = createLoggingServer();

app.get<{ Querystring: { token: string } }>(
  '/disconnect',
  { schema: { querystring: Type.Object({ token: Type.String({ maxLength: 8_192 }) }) } },
  async (request, reply) => {
    const at = Date.now();
    const startedAt = performance.now();
    const { id: requestId, ip: address } = request;
    consumeLimits([`disconnect:address:${address}`]);
    const { success, session } = await disconnect(request.query.token);
    const { sessionId, nasIp, vrf, clientMac: mac, userName: user } = session;
    const record = {
      id: `${at}${newSessionId().slice(0, 8)}`,
      at,
      requestId,
      address,
      durationMs: Math.round(performance.now() - startedAt),
      outcome: success ? 'disconnected' : 'rejected',
      sessionId,
      nasIp,
      vrf,
      mac,
      user,
      reports: [{ backend: 'pcrf', outcome: success ? 'disconnected' : 'rejected' }],
    };
    await append(JSON.stringify(record));
    if (success) return { success };
    return reply.code(502).send({ success: false, fail: 'the PCRF failed' });
  },
);

/** Throws UNAUTHENTICATED. */
function disconnect(token: string): Promise<Outcome> {
  const key = sha256Hex(token);
  const started = running.get(key) ?? logOut(token).finally(() => running.delete(key));
  running.set(key, started);
  return started;
}

async function logOut(token: string): Promise<Outcome> {
  const session = wifiSessionOf(verifier.verify(token));
  const answer = await pool.request({ method: 'GET', path: pcrfPath(session) });
  const result: { success?: boolean } = JSON.parse(await answer.body.text());
  const success = answer.statusCode === 200 && result.success !== false;
  const { sessionId, nasIp, vrf } = session;
  log.info({ sessionId, nasIp, vrf }, success ? 'logged out' : 'not logged out');
  return { success, session };
}

await serveFair(app);
