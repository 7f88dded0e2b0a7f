// Routes of pairing: new session, handshake, password, replacement. docs/protocol.md, "Pairing".

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Pairing } from '../../domain/pairing/pairing.ts';
import { limitAddress } from '../../domain/shared/rate-limiting.ts';
import { initUrl, type ServiceUrls, sessionPath } from '../../domain/shared/urls.ts';
import { SwobError } from '../../errors.ts';
import { textContent } from '../../http/api-docs/route-docs.ts';
import type { IdentifierSchemas } from '../identifier-schemas.ts';
import { escapeControlCharacters } from '../lenient-json.ts';

interface Options {
  readonly pairing: Pairing;
  readonly addresses: ServiceUrls;
  readonly ids: IdentifierSchemas;
  readonly publicKeyPem: string;
  readonly seedsEndpoint: string;
}

const tags = ['sync'];
const textType = 'text/plain; charset=utf-8';

const sessionParams = (ids: IdentifierSchemas) =>
  Type.Object({ userId: ids.userId, sessionId: ids.sessionId });

/** An overlong password gets the response of a wrong one, so its body must be read. */
const passwordBodyLimit = 256 * 1024;

export const pairingRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const { pairing, addresses, ids } = options;
  const session = sessionParams(ids);

  app.get(
    '/v2/sync/users/:userId',
    {
      config: {
        docs: {
          responses: { 200: { description: 'A session was opened', content: textContent('Websocket URL') } },
          errors: ['LIMITED', 'UNAVAILABLE'],
        },
      },
      schema: {
        operationId: 'openSession',
        summary: 'Open a session; returns its websocket URL',
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
    {
      config: {
        docs: {
          responses: { 200: { description: 'The session was replaced', content: textContent('Session id') } },
          errors: ['NOT_FOUND', 'CONFLICT', 'LIMITED', 'UNAVAILABLE'],
        },
      },
      schema: {
        operationId: 'replaceSession',
        summary: 'Replace a session; returns the new id',
        tags,
        params: session,
      },
    },
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
      config: {
        invalidJsonText: 'invalid json',
        missingMemberTexts: { password: 'missing password' },
        docs: { errors: ['UNAUTHENTICATED', 'LIMITED', 'UPSTREAM', 'UNAVAILABLE'] },
      },
      schema: {
        operationId: 'pairPhone',
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
      const paired = await pairing.authenticate(
        userId,
        sessionId,
        request.body.password,
        request.requestContext,
      );
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
  app.addContentTypeParser(
    'application/json',
    app.jsonBodyParser((request, text, done) => parseJson(request, escapeControlCharacters(text), done)),
  );
  // Clients send any content type or none, and the old server ignored it unless it was a form's.
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
      config: {
        invalidJsonText: 'poorly formed json',
        missingMemberTexts: { public_key: 'missing public key' },
        docs: { errors: ['CONFLICT', 'LIMITED', 'UNAVAILABLE'], anyContentType: true },
      },
      schema: {
        operationId: 'shakeHands',
        summary: "Take the session with the phone's public key; returns the server's",
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
      await options.pairing.handshake(userId, sessionId, request.body.public_key, request.requestContext);
      return { public_key: options.publicKeyPem, verification_url: sessionPath(userId, sessionId) };
    },
  );
};
