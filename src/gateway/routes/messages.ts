// What `swob sms failed`, `retry`, `drop` and `trace` ask about messages for the Publisher. Ours; for the operator, who has
// the admin token.

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { MessageDesk } from '../../domain/message-desk.ts';
import { operatorOnly } from '../operator.ts';

interface Options {
  readonly desk: MessageDesk;
  readonly adminToken: string;
}

const tags = ['operator'];
const maxListed = 1_000;
const params = Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{32}$' }) });
const message = Type.Object({
  id: Type.String(),
  state: Type.Union([Type.Literal('published'), Type.Literal('waiting'), Type.Literal('given up')]),
  platform: Type.Optional(Type.String()),
  msisdn: Type.Optional(Type.String()),
  attempts: Type.Optional(Type.Number()),
  life: Type.Array(
    Type.Object({ at: Type.Number({ description: 'Unix time in milliseconds' }), what: Type.String() }),
  ),
});

export const messageRoutes: FastifyPluginAsyncTypebox<Options> = async (app, { desk, adminToken }) => {
  app.addHook('onRequest', operatorOnly(adminToken));

  app.get(
    '/sms/failed',
    {
      schema: {
        summary: 'Messages that were given up, the oldest first',
        tags,
        response: { 200: Type.Array(message) },
      },
    },
    async () => [...(await desk.failed(maxListed))].map((view) => ({ ...view, life: [...view.life] })),
  );

  app.get(
    '/sms/messages/:id',
    { schema: { summary: 'What became of a message', tags, params, response: { 200: message } } },
    async (request) => {
      const view = await desk.trace(request.params.id);
      return { ...view, life: [...view.life] };
    },
  );

  app.post(
    '/sms/messages/:id/retry',
    { schema: { summary: 'Try a message again that was given up', tags, params } },
    async (request) => {
      await desk.retry(request.params.id);
      return { retried: 1 };
    },
  );

  app.delete(
    '/sms/messages/:id',
    { schema: { summary: 'Forget a message that was given up', tags, params } },
    async (request) => {
      await desk.drop(request.params.id);
      return { dropped: 1 };
    },
  );

  app.post(
    '/sms/failed/retry',
    { schema: { summary: 'Try the oldest again that were given up, 500 at most', tags } },
    () => desk.retryOldest(),
  );
};
