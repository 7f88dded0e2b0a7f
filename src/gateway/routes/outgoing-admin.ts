// Admin routes of outgoing SMS: `swob sms outgoing list`, `show` and `cancel` use them. They require the admin token.

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyContextConfig } from 'fastify';
import { Type } from 'typebox';
import { messageIdPattern, messageStates, type OutgoingMessage } from '../../domain/outgoing/message.ts';
import { messageDetails } from '../../domain/outgoing/message-views.ts';
import type { Tracking } from '../../domain/outgoing/tracking.ts';
import { SwobError } from '../../errors.ts';
import { requireAdminToken } from '../../http/admin-auth.ts';
import { messageDetailMembers, tooLateToCancel } from '../outgoing-schemas.ts';

interface Options {
  readonly tracking: Tracking;
  readonly adminToken: string;
}

const maxListed = 1_000;
const defaultListed = 100;
const tags = ['admin'];
const security = [{ adminToken: [] }];
const config = {
  docs: { errors: ['BAD_INPUT', 'UNAUTHENTICATED', 'UNAVAILABLE'] },
} satisfies FastifyContextConfig;
const oneConfig = {
  docs: { errors: [...config.docs.errors, 'NOT_FOUND'] },
} satisfies FastifyContextConfig;
const params = Type.Object({ id: Type.String({ pattern: messageIdPattern }) });
const filter = (maxLength: number, description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength, description }));

const message = Type.Object({
  ...messageDetailMembers,
  auth_id: Type.String({ description: 'The developer' }),
  sent_parts: Type.Integer({ description: 'Parts that a phone has reported as sent one by one' }),
  delivered_parts: Type.Integer(),
  callbacks_left: Type.Integer({ description: 'Changes of state whose callbacks are not stored yet' }),
});

export const outgoingAdminRoutes: FastifyPluginAsyncTypebox<Options> = async (
  app,
  { tracking, adminToken },
) => {
  app.addHook('onRequest', requireAdminToken(adminToken));

  const find = async (id: string): Promise<OutgoingMessage> => {
    const found = await tracking.find(id);
    if (found) return found;
    throw new SwobError('NOT_FOUND', `no outgoing SMS ${id}`);
  };

  app.get(
    '/sms/outgoing',
    {
      config,
      schema: {
        operationId: 'listOutgoingSms',
        summary: 'List outgoing SMS, newest first',
        tags,
        security,
        querystring: Type.Object({
          auth_id: filter(64, 'Only of this developer'),
          uuid: filter(128, 'Only of requests with this uuid'),
          number: filter(64, 'Only to this number'),
          operator_name: filter(255, 'Only to this operator'),
          state: Type.Optional(Type.Enum([...messageStates])),
          since: Type.Optional(
            Type.String({ pattern: '^[0-9]{1,16}$', description: 'Unix time in milliseconds' }),
          ),
          limit: Type.Optional(
            Type.String({
              pattern: '^[0-9]{1,4}$',
              description: `Default: ${defaultListed}; at most ${maxListed}`,
            }),
          ),
          before: Type.Optional(
            Type.String({ pattern: '^\\d{16}-\\d{1,10}$', description: '`next` of the page before' }),
          ),
        }),
        response: {
          200: Type.Object({
            messages: Type.Array(message),
            next: Type.Optional(
              Type.String({ description: '`before` of the next page; a page may be empty and have one' }),
            ),
          }),
        },
      },
    },
    async ({ query }) => {
      const { auth_id, uuid, number, operator_name, state, since, limit = defaultListed, before } = query;
      const page = await tracking.list(
        {
          ...(auth_id !== undefined && { authId: auth_id }),
          ...(uuid !== undefined && { uuid }),
          ...(number !== undefined && { number }),
          ...(operator_name !== undefined && { operatorName: operator_name }),
          ...(state !== undefined && { state }),
          ...(since !== undefined && { since: Number(since) }),
        },
        {
          limit: Math.min(maxListed, Math.max(1, Number(limit))),
          ...(before !== undefined && { before }),
        },
      );
      return { messages: page.messages.map(shown), ...(page.next !== undefined && { next: page.next }) };
    },
  );

  app.get(
    '/sms/outgoing/:id',
    {
      config: oneConfig,
      schema: {
        operationId: 'showOutgoingSms',
        summary: 'Show what became of an outgoing SMS',
        tags,
        security,
        params,
        response: { 200: message },
      },
    },
    async (request) => shown(await find(request.params.id)),
  );

  app.delete(
    '/sms/outgoing/:id',
    {
      config: { docs: { errors: [...oneConfig.docs.errors, 'CONFLICT'] } },
      schema: {
        operationId: 'cancelOutgoingSms',
        summary: 'Cancel an outgoing SMS that the broker does not have yet',
        tags,
        security,
        params,
        response: { 200: message },
      },
    },
    async (request) => {
      const found = await find(request.params.id);
      const [result = { message: found, kind: 'too late' }] = await tracking.cancel([found]);
      if (result.kind === 'too late') throw tooLateToCancel(result.message);
      request.requestContext.log.info({ id: found.id }, 'an operator has cancelled an outgoing SMS');
      return shown(result.message);
    },
  );
};

function shown(message: OutgoingMessage) {
  return {
    ...messageDetails(message),
    auth_id: message.authId,
    sent_parts: message.sentParts.length,
    delivered_parts: message.deliveredParts.length,
    callbacks_left: message.unreported.length,
  };
}
