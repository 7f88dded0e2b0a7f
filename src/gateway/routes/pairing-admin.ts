// Admin routes of pairings: `swob wait --for paired` and `swob pairings` use them. They require the admin token.

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Pairing } from '../../domain/pairing/pairing.ts';
import type { Pairings, PairingView } from '../../domain/pairing/revocation.ts';
import { SwobError } from '../../errors.ts';
import { requireAdminToken } from '../../http/admin-auth.ts';
import type { IdentifierSchemas } from '../identifier-schemas.ts';

interface Options {
  readonly pairing: Pairing;
  readonly pairings: Pairings;
  readonly ids: IdentifierSchemas;
  readonly adminToken: string;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

const maxListed = 1_000;
const tags = ['admin'];
const security = [{ adminToken: [] }];
const userIdPart = (description: string) =>
  Type.String({ maxLength: 128, pattern: '^[A-Za-z0-9_.+-]*$', description });
const pairing = Type.Object({
  userId: Type.String(),
  pairedAt: Type.Number({ description: 'Unix time in seconds' }),
  fingerprint: Type.Optional(
    Type.String({ description: "SHA-256 of the phone's public key (SPKI, DER), 64 hex characters" }),
  ),
  revokedAt: Type.Optional(
    Type.Number({ description: 'Unix time in seconds; absent while the pairing is in use' }),
  ),
});

export const pairingAdminRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  app.addHook('onRequest', requireAdminToken(options.adminToken));

  app.get(
    '/sync/users/:userId/paired',
    {
      config: { docs: { errors: ['UNAUTHENTICATED', 'NOT_FOUND', 'UNAVAILABLE'] } },
      schema: {
        operationId: 'getPairing',
        security: [{ adminToken: [] }],
        summary: "Show when a user's phone last paired",
        tags: ['admin'],
        params: Type.Object({ userId: options.ids.userId }),
        response: {
          200: Type.Object({
            pairedAt: Type.Number({ description: 'Unix time in seconds' }),
            now: Type.Number({ description: 'Current time of the gateway, to compare with' }),
          }),
        },
      },
    },
    async (request) => {
      const pairedAt = await options.pairing.pairedAt(request.params.userId);
      if (pairedAt === undefined) throw new SwobError('NOT_FOUND', 'this user has not paired');
      return { pairedAt, now: options.now() / 1_000 };
    },
  );

  app.get(
    '/sync/users',
    {
      config: { docs: { errors: ['UNAUTHENTICATED', 'UNAVAILABLE'] } },
      schema: {
        operationId: 'listPairings',
        summary: 'List pairings in the order of user ids, also revoked ones',
        tags,
        security,
        querystring: Type.Object({
          prefix: Type.Optional(userIdPart('Only users whose id begins so')),
          after: Type.Optional(userIdPart('`next` of the previous page')),
          limit: Type.Optional(
            Type.String({ pattern: '^[1-9][0-9]{0,3}$', description: `Default: 100; at most ${maxListed}` }),
          ),
        }),
        response: {
          200: Type.Object({
            pairings: Type.Array(pairing),
            next: Type.Optional(Type.String({ description: 'When more follow: `after` of the next page' })),
          }),
        },
      },
    },
    async ({ query: { prefix = '', after, limit = 100 } }) => {
      const query = { prefix, after, limit: Math.min(maxListed, Number(limit)) };
      const page = await options.pairings.list(query);
      return { pairings: page.pairings.map(shown), ...(page.next !== undefined && { next: page.next }) };
    },
  );

  app.delete(
    '/sync/users/:userId/paired',
    {
      config: { docs: { errors: ['UNAUTHENTICATED', 'NOT_FOUND', 'UNAVAILABLE'] } },
      schema: {
        operationId: 'revokePairing',
        summary: 'Revoke the pairing of a user: no SMS is decrypted under its keys any more',
        tags,
        security,
        params: Type.Object({ userId: options.ids.userId }),
        response: {
          200: Type.Object({
            ...pairing.properties,
            revokedNow: Type.Boolean({ description: 'false: it had been revoked before' }),
          }),
        },
      },
    },
    async ({ params: { userId }, requestContext }) => {
      const revocation = await options.pairings.revoke(userId, requestContext.log);
      if (revocation.kind === 'unknown') throw new SwobError('NOT_FOUND', 'this user has not paired');
      return { ...shown(revocation.pairing), revokedNow: revocation.kind === 'revoked' };
    },
  );
};

function shown({ userId, pairedAt, fingerprint, revokedAt }: PairingView) {
  return {
    userId,
    pairedAt,
    ...(fingerprint !== undefined && { fingerprint }),
    ...(revokedAt !== undefined && { revokedAt }),
  };
}
