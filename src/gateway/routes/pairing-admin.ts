// The admin route that `swob wait --for paired` uses: when a user's phone last paired. It requires the admin token.

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Pairing } from '../../domain/pairing/pairing.ts';
import { SwobError } from '../../errors.ts';
import { requireAdminToken } from '../admin-auth.ts';
import type { IdentifierSchemas } from '../identifier-schemas.ts';

interface Options {
  readonly pairing: Pairing;
  readonly ids: IdentifierSchemas;
  readonly adminToken: string;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

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
};
