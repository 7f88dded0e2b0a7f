// Routes of pairing: new session, handshake, password, replacement. CONTRACT.md, "Synchronization".

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { type Addresses, initUrl, sessionPath } from '../../domain/addresses.ts';
import { limitAddress } from '../../domain/limiting.ts';
import type { Pairing } from '../../domain/pairing.ts';
import { SwobError } from '../../errors.ts';
import type { IdentifierSchemas } from '../identifier-schemas.ts';
import { escapeRawControls } from '../lenient-json.ts';

interface Options {
  readonly pairing: Pairing;
  readonly addresses: Addresses;
  readonly ids: IdentifierSchemas;
  readonly publicKeyPem: string;
  readonly seedsEndpoint: string;
}

const tags = ['sync'];
const textType = 'text/plain; charset=utf-8';

const sessionParams = (ids: IdentifierSchemas) =>
  Type.Object({ userId: ids.userId, sessionId: ids.sessionId });

/** An overlong password is answered as a wrong one, so its body must be read. */
const passwordBodyLimit = 256 * 1024;

export const syncRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const { pairing, addresses, ids } = options;
  const session = sessionParams(ids);

  app.get(
    '/v2/sync/users/:userId',
    {
      schema: {
        summary: 'Open a session; answers the websocket URL',
        tags,
        params: Type.Object({ userId: ids.userId }),
      },
    },
    async (request, reply) => {
      const { userId } = request.params;
      const sessionId = await pairing.open(userId, limitAddress(request.ip));
      reply.type(textType).header('cache-control', 'no-store');
      return initUrl(addresses.sync(), userId, sessionId);
    },
  );

  app.put(
    '/v2/sync/users/:userId/sessions/:sessionId',
    { schema: { summary: 'Replace a session; answers the new id', tags, params: session } },
    async (request, reply) => {
      const { userId, sessionId } = request.params;
      reply.type(textType);
      return pairing.replace(userId, sessionId, limitAddress(request.ip));
    },
  );

  app.post(
    '/v2/sync/users/:userId/sessions/:sessionId',
    {
      bodyLimit: passwordBodyLimit,
      config: { badJson: 'invalid json', missing: { password: 'missing password' } },
      schema: {
        summary: 'Check the password and pair the phone',
        tags,
        params: session,
        body: Type.Object({
          password: Type.String({
            description: 'base64 of RSA-OAEP (SHA-256, MGF1-SHA-1) under the server key',
          }),
        }),
        response: {
          200: Type.Object({
            shared_key: Type.String({ description: 'base64 of RSA-OAEP under the phone key' }),
            user_platforms: Type.Array(Type.Object({}, { additionalProperties: true })),
            seeds_url: Type.String(),
          }),
        },
      },
    },
    async (request, reply) => {
      const { userId, sessionId } = request.params;
      const paired = await pairing.authenticate(userId, sessionId, request.body.password, request.caller);
      reply.header('cache-control', 'no-store');
      return {
        shared_key: paired.sharedKey,
        user_platforms: [...paired.platforms],
        seeds_url: options.seedsEndpoint || `${addresses.gateway()}/seeds`,
      };
    },
  );

  await app.register(handshakeRoute, options);
};

const handshakeRoute: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    // parseAs 'string' makes it one; the type does not know.
    parseJson(request, escapeRawControls(String(body)), done);
  });
  // The old server looked at the body only, unless it was a form; clients send any type, an odd one, or none.
  app.addHook('onRequest', (request, _reply, done) => {
    const form = /^(application\/x-www-form-urlencoded|multipart\/)/i;
    if (form.test(request.headers['content-type'] ?? ''))
      throw new SwobError('BAD_INPUT', 'poorly formed json');
    request.headers['content-type'] = 'application/json';
    done();
  });

  app.post(
    '/v2/sync/users/:userId/sessions/:sessionId/handshake',
    {
      config: { badJson: 'poorly formed json', missing: { public_key: 'missing public key' } },
      schema: {
        summary: "Take the session with the phone's public key; answers the server's",
        tags,
        params: sessionParams(options.ids),
        body: Type.Object({
          public_key: Type.String({ description: 'RSA public key, PEM; raw line breaks allowed' }),
        }),
        response: { 200: Type.Object({ public_key: Type.String(), verification_url: Type.String() }) },
      },
    },
    async (request) => {
      const { userId, sessionId } = request.params;
      await options.pairing.handshake(userId, sessionId, request.body.public_key, request.caller);
      return { public_key: options.publicKeyPem, verification_url: sessionPath(userId, sessionId) };
    },
  );
};
