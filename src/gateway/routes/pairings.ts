// What `swob wait --for paired` asks: when a user's phone has paired. Ours; for the operator.

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Pairing } from '../../domain/pairing.ts';
import { SwobError } from '../../errors.ts';
import type { IdentifierSchemas } from '../identifier-schemas.ts';
import { operatorOnly } from '../operator.ts';

interface Options {
  readonly pairing: Pairing;
  readonly ids: IdentifierSchemas;
  readonly adminToken: string;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

export const pairingRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  app.addHook('onRequest', operatorOnly(options.adminToken));

  app.get(
    '/sync/users/:userId/paired',
    {
      schema: {
        summary: 'When the phone of a user paired last',
        tags: ['operator'],
        params: Type.Object({ userId: options.ids.userId }),
        response: {
          200: Type.Object({
            pairedAt: Type.Number({ description: 'Unix time in seconds' }),
            now: Type.Number({ description: 'Time of the gateway, to compare with' }),
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
