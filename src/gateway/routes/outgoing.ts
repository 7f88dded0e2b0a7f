// The API for developers who send SMS through gateway phones. CONTRACT.md, "Outgoing SMS".

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { type Static, Type } from 'typebox';
import { limitAddress } from '../../domain/limiting.ts';
import type { Outgoing, Subscription } from '../../domain/outgoing.ts';
import { authIdPattern } from '../../domain/outgoing-names.ts';
import { SwobError } from '../../errors.ts';

interface Options {
  readonly outgoing: Outgoing;
}

const tags = ['outgoing SMS'];
const config = { badJson: 'invalid json' };
/** Read before anybody has said who he is, so many at once must fit into memory. */
const bodyLimit = 512 * 1024;
const maxRecipients = 1_000;
/** Longer than any SMS of 255 parts. */
const maxText = 40_000;

const authId = Type.String({ pattern: authIdPattern, description: "The developer's id" });
const credential = Type.String({ minLength: 1, maxLength: 256 });
const subscription = Type.Object({
  auth_id: authId,
  auth_key: credential,
  id: credential,
  key: credential,
});
const number = Type.String({ maxLength: 64, description: 'E.164' });

export const outgoingRoutes: FastifyPluginAsyncTypebox<Options> = async (app, { outgoing }) => {
  const subscriptionRoute = (summary: string) => ({ config, schema: { summary, tags, body: subscription } });

  app.post(
    '/v1/subscribe',
    subscriptionRoute("Give a developer's gateway clients access to their SMS"),
    async (request, reply) => {
      await outgoing.subscribe(subscriptionOf(request.body), request.caller);
      return reply.type('text/plain; charset=utf-8').send('');
    },
  );

  app.delete('/v1/unsubscribe', subscriptionRoute('Take that access away'), async (request, reply) => {
    await outgoing.unsubscribe(subscriptionOf(request.body), request.caller);
    return reply.type('text/plain; charset=utf-8').send('');
  });

  app.post(
    '/v1/sms',
    {
      bodyLimit,
      config,
      schema: {
        summary: 'Send SMS through gateway phones; answers what went wrong for whom',
        tags,
        headers: Type.Object({
          'idempotency-key': Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
        }),
        body: Type.Object({
          auth_id: authId,
          auth_key: Type.Optional(Type.String({ maxLength: 256 })),
          data: Type.Array(
            Type.Object({
              number,
              text: Type.String({ minLength: 1, maxLength: maxText }),
              operator_name: Type.Optional(Type.String()),
            }),
            { minItems: 1, maxItems: maxRecipients },
          ),
          callback_url: Type.Optional(Type.String({ maxLength: 8_192 })),
          uuid: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
        }),
      },
    },
    async (request, reply) => {
      const { auth_id, auth_key, data, callback_url, uuid } = request.body;
      // 401, not 400: the old server took an auth_id alone.
      if (!auth_key) throw new SwobError('UNAUTHENTICATED', 'missing auth_key');
      const idempotencyKey = request.headers['idempotency-key'];
      const { body, complete } = await outgoing.send(
        {
          authId: auth_id,
          authKey: auth_key,
          data,
          ...(callback_url !== undefined && { callbackUrl: callback_url }),
          ...(uuid !== undefined && { uuid }),
          ...(idempotencyKey !== undefined && { idempotencyKey }),
        },
        request.caller,
      );
      if (!complete) reply.code(503).header('retry-after', 5);
      return reply.type('application/json; charset=utf-8').send(body);
    },
  );

  app.post(
    '/v1/sms/operators',
    {
      bodyLimit,
      config,
      schema: {
        summary: 'The same list with each missing operator_name filled in',
        tags,
        body: Type.Array(
          Type.Object(
            { number, text: Type.Optional(Type.String()), operator_name: Type.Optional(Type.String()) },
            { additionalProperties: true },
          ),
          { maxItems: maxRecipients },
        ),
      },
    },
    (request) => outgoing.withOperators(request.body, limitAddress(request.ip)),
  );
};

function subscriptionOf(body: Static<typeof subscription>): Subscription {
  return { authId: body.auth_id, authKey: body.auth_key, setup: { id: body.id, key: body.key } };
}
