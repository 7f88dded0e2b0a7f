// What became of outgoing SMS: reports of phones, and queries and cancellation by developers. docs/protocol.md, "Outgoing SMS".

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyContextConfig, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { verifyStatusToken } from '../../crypto/status-token.ts';
import { authIdPattern } from '../../domain/outgoing/broker-names.ts';
import { maxParts, messageIdPattern, type OutgoingMessage } from '../../domain/outgoing/message.ts';
import { messageDetails } from '../../domain/outgoing/message-views.ts';
import type { DeveloperCredentials, Tracking } from '../../domain/outgoing/tracking.ts';
import { NotConfiguredError, SwobError } from '../../errors.ts';
import { textContent } from '../../http/api-docs/route-docs.ts';
import { basicCredentials } from '../../http/basic-auth.ts';
import { bearerToken } from '../../http/bearer-token.ts';
import { cancellation, message, tooLateToCancel } from '../outgoing-schemas.ts';

interface Options {
  readonly tracking: Tracking;
  /** `[outgoing] status_secret`; empty: reports are refused. */
  readonly statusSecret: string;
}

const tags = ['outgoing SMS'];
const uuid = Type.String({ minLength: 1, maxLength: 128 });
const id = Type.String({ pattern: messageIdPattern });
const developerConfig = {
  earlyRateLimits: ['requests', 'credentials'],
  docs: { errors: ['UNAUTHENTICATED', 'LIMITED', 'NOT_FOUND', 'UPSTREAM', 'UNAVAILABLE'] },
} satisfies FastifyContextConfig;
const security = [{ developer: [] }];
const reportBodyLimit = 16 * 1_024;
const maxReason = 200;
/** Phones name a message by a number or a text; anything else names none. */
const nameOfMessage = Type.Optional(
  Type.Union([Type.String({ maxLength: 128 }), Type.Number(), Type.Null()]),
);

export const outgoingStatusRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const { tracking, statusSecret } = options;

  app.post(
    '/v1/status/:auth_id',
    {
      bodyLimit: reportBodyLimit,
      // Before the body is read.
      onRequest: async (request) => requireStatusToken(request, statusSecret),
      config: {
        invalidJsonText: 'invalid json',
        docs: {
          responses: { 200: { description: 'Recorded; the body is empty', content: textContent() } },
          errors: ['BAD_INPUT', 'UNAUTHENTICATED', 'NOT_FOUND', 'UNAVAILABLE'],
        },
      },
      schema: {
        operationId: 'reportStatus',
        summary: 'Report what a phone did with an SMS; needs the token of `swob sms outgoing token`',
        tags,
        security: [{ statusToken: [] }],
        params: Type.Object({ auth_id: Type.String({ pattern: authIdPattern }) }),
        querystring: Type.Object({
          token: Type.Optional(
            Type.String({ description: 'For phones that cannot send it in the Authorization header' }),
          ),
        }),
        body: Type.Object({
          type: Type.Optional(Type.Literal('SMS_TYPE_STATUS')),
          status: Type.Enum(['sent', 'delivered', 'failed']),
          id: nameOfMessage,
          sid: nameOfMessage,
          part: Type.Optional(
            Type.Integer({ minimum: 1, maximum: maxParts, description: 'From 1; absent: all' }),
          ),
          parts: Type.Optional(Type.Integer({ minimum: 1, maximum: maxParts })),
          reason: Type.Optional(Type.String({ maxLength: maxReason, description: 'Why it failed' })),
        }),
      },
    },
    async (request, reply) => {
      const { id, sid, status, part, parts, reason } = request.body;
      if (part !== undefined && parts !== undefined && part > parts) {
        throw new SwobError('BAD_INPUT', 'part is greater than parts');
      }
      const ids = [id, sid].filter((name) => name !== undefined && name !== null).map(String);
      const isKnown = await tracking.report(request.params.auth_id, ids, {
        status,
        ...(part !== undefined && { part }),
        ...(parts !== undefined && { parts }),
        ...(reason !== undefined && reason !== '' && { reason }),
      });
      if (!isKnown) throw new SwobError('NOT_FOUND', 'unknown message: neither id nor sid names one');
      return reply.type('text/plain; charset=utf-8').send('');
    },
  );

  const messagesOf = async (request: FastifyRequest, uuid: string): Promise<readonly OutgoingMessage[]> => {
    const messages = await tracking.requestOf(credentialsOf(request), uuid, request.requestContext);
    if (messages.length === 0) throw new SwobError('NOT_FOUND', 'no messages of a request with this uuid');
    return messages;
  };
  const messageOf = async (
    request: FastifyRequest,
    params: { readonly uuid: string; readonly id: string },
  ): Promise<OutgoingMessage> => {
    const found = (await messagesOf(request, params.uuid)).find(({ id }) => id === params.id);
    if (found) return found;
    throw new SwobError('NOT_FOUND', 'no message with this id in this request');
  };

  app.get(
    '/v1/sms/:uuid',
    {
      config: developerConfig,
      schema: {
        operationId: 'getSmsRequest',
        summary: 'Show what became of the SMS of a request',
        tags,
        security,
        params: Type.Object({ uuid }),
        response: {
          200: Type.Object({
            uuid: Type.String(),
            states: Type.Record(Type.String(), Type.Integer(), {
              description: 'How many messages are in each state',
            }),
            messages: Type.Array(message),
          }),
        },
      },
    },
    async (request) => {
      const messages = await messagesOf(request, request.params.uuid);
      const states: Record<string, number> = {};
      for (const { state } of messages) states[state] = (states[state] ?? 0) + 1;
      return { uuid: request.params.uuid, states, messages: messages.map(messageDetails) };
    },
  );

  app.delete(
    '/v1/sms/:uuid',
    {
      config: developerConfig,
      schema: {
        operationId: 'cancelSmsRequest',
        summary: 'Cancel the SMS of a request that the broker does not have yet',
        tags,
        security,
        params: Type.Object({ uuid }),
        response: { 200: Type.Object({ uuid: Type.String(), messages: Type.Array(cancellation) }) },
      },
    },
    async (request) => {
      const cancellations = await tracking.cancel(await messagesOf(request, request.params.uuid));
      return {
        uuid: request.params.uuid,
        messages: cancellations.map(({ message, kind }) => ({
          ...messageDetails(message),
          cancelled: kind === 'cancelled',
        })),
      };
    },
  );

  app.get(
    '/v1/sms/:uuid/messages/:id',
    {
      config: developerConfig,
      schema: {
        operationId: 'getSms',
        summary: 'Show what became of one SMS',
        tags,
        security,
        params: Type.Object({ uuid, id }),
        response: { 200: message },
      },
    },
    async (request) => messageDetails(await messageOf(request, request.params)),
  );

  app.delete(
    '/v1/sms/:uuid/messages/:id',
    {
      config: { ...developerConfig, docs: { errors: [...developerConfig.docs.errors, 'CONFLICT'] } },
      schema: {
        operationId: 'cancelSms',
        summary: 'Cancel one SMS that the broker does not have yet',
        tags,
        security,
        params: Type.Object({ uuid, id }),
        response: { 200: message },
      },
    },
    async (request) => {
      const found = await messageOf(request, request.params);
      const [result = { message: found, kind: 'too late' }] = await tracking.cancel([found]);
      if (result.kind === 'too late') throw tooLateToCancel(result.message);
      return messageDetails(result.message);
    },
  );
};

/** Throws UNAVAILABLE without a secret, and UNAUTHENTICATED unless the token is that of the developer in the path. */
function requireStatusToken(request: FastifyRequest, secret: string): void {
  if (secret === '') {
    throw new NotConfiguredError(
      'reports of phones are off: set [outgoing] status_secret',
      'reports are not taken here',
    );
  }
  const { token: inQuery }: { token?: unknown } = Object(request.query);
  const token = bearerToken(request) ?? (typeof inQuery === 'string' ? inQuery : '');
  const { auth_id: authId }: { auth_id?: unknown } = Object(request.params);
  if (verifyStatusToken(secret, token) === authId) return;
  throw new SwobError('UNAUTHENTICATED', 'missing or wrong status token');
}

/** Throws UNAUTHENTICATED. */
function credentialsOf(request: FastifyRequest): DeveloperCredentials {
  const credentials = basicCredentials(request);
  if (credentials && new RegExp(authIdPattern).test(credentials.user)) {
    return { authId: credentials.user, authKey: credentials.password };
  }
  throw new SwobError(
    'UNAUTHENTICATED',
    'missing credentials: auth_id and auth_key by HTTP Basic authentication',
  );
}
