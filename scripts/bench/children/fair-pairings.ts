// The baseline of C4: whole pairings by fastify, with two calls of the user management API, one OAEP decryption and one
// encryption, and a durable line whose sync is shared. Arguments: the user management API's origin, the file.

import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { Type } from 'typebox';
import { Pool } from 'undici';
import { oaepDecrypt, oaepEncrypt } from '../../../src/crypto/oaep.ts';
import { createFairServer, serveFair } from './serve.ts';
import { openSharedAppend } from './shared-append.ts';

interface Params {
  readonly userId: string;
  readonly sessionId: string;
}

const [upstream = '', file = ''] = process.argv.slice(2);
const pool = new Pool(upstream, { connections: 20, pipelining: 1 });
const append = await openSharedAppend(file);
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
/** The user of each open session, and the phone's key after the handshake. */
const sessions = new Map<string, { readonly userId: string; key?: KeyObject }>();
const app = createFairServer();

const id = Type.String({ pattern: '^[A-Za-z0-9_.+-]{1,64}$' });
const params = Type.Object({ userId: id, sessionId: id });
const path = '/v2/sync/users/:userId/sessions/:sessionId';

app.get<{ Params: Pick<Params, 'userId'> }>(
  '/v2/sync/users/:userId',
  { schema: { params: Type.Object({ userId: id }) } },
  (request, reply) => {
    const { userId } = request.params;
    const sessionId = randomBytes(16).toString('hex');
    sessions.set(sessionId, { userId });
    reply.type('text/plain; charset=utf-8').send(`ws://127.0.0.1/v2/sync/init/${userId}/${sessionId}`);
  },
);

app.post<{ Params: Params; Body: { public_key: string } }>(
  `${path}/handshake`,
  { schema: { params, body: Type.Object({ public_key: Type.String() }) } },
  async (request, reply) => {
    const { userId, sessionId } = request.params;
    const session = sessions.get(sessionId);
    if (session?.userId !== userId) return reply.code(400).send("failed to update user's public key");
    session.key = createPublicKey(request.body.public_key);
    return { public_key: pem, verification_url: `/v2/sync/users/${userId}/sessions/${sessionId}` };
  },
);

app.post<{ Params: Params; Body: { password: string } }>(
  path,
  { schema: { params, body: Type.Object({ password: Type.String() }) } },
  async (request, reply) => {
    const { userId, sessionId } = request.params;
    const session = sessions.get(sessionId);
    if (session?.userId !== userId || !session.key) return reply.code(400).send('invalid session requested');
    const password = oaepDecrypt(privateKey, Buffer.from(request.body.password, 'base64'))?.toString();
    const platforms = password === undefined ? undefined : await platformsOf(userId, password);
    if (!platforms) return reply.code(401).send('failed to authenticate');
    const sharedKey = randomBytes(16).toString('hex');
    const publicKeyPem = session.key.export({ type: 'spki', format: 'pem' });
    await append(JSON.stringify({ userId, sessionId, sharedKey, publicKeyPem }));
    sessions.delete(sessionId);
    return {
      shared_key: oaepEncrypt(session.key, Buffer.from(sharedKey)).toString('base64'),
      user_platforms: platforms,
      seeds_url: 'http://127.0.0.1/seeds',
    };
  },
);

/** Undefined for a wrong password. */
async function platformsOf(userId: string, password: string): Promise<unknown[] | undefined> {
  const verified = await pool.request({
    method: 'POST',
    path: `/v2/users/${userId}/verify`,
    headers: { 'content-type': 'application/json', 'user-agent': 'bench' },
    body: JSON.stringify({ password }),
  });
  await verified.body.dump();
  if (verified.statusCode !== 200) return undefined;
  const cookie = String(verified.headers['set-cookie']).split(';')[0] ?? '';
  const listed = await pool.request({
    method: 'GET',
    path: `/v2/users/${userId}/platforms`,
    headers: { cookie, 'user-agent': 'bench' },
  });
  const answer: { saved_platforms: unknown[] } = JSON.parse(await listed.body.text());
  return listed.statusCode === 200 ? answer.saved_platforms : undefined;
}

await serveFair(app);
