// The API for developers who send SMS through gateway clients. docs/protocol.md, "Outgoing SMS".

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyContextConfig } from 'fastify';
import { type Static, Type } from 'typebox';
import { authIdPattern } from '../../domain/outgoing/broker-names.ts';
import { callbackEvents } from '../../domain/outgoing/message.ts';
import type { Outgoing, Subscription } from '../../domain/outgoing/outgoing.ts';
import { SwobError } from '../../errors.ts';
import { type RouteDocs, textContent } from '../../http/api-docs/route-docs.ts';
import { messageSummaryMembers } from '../outgoing-schemas.ts';
import {
  maxNumberLength,
  maxRecipients,
  maxTextLength,
  normalizeLookups,
  parseRecipients,
} from '../recipients.ts';
import { readSendingTime } from '../sending-times.ts';

interface Options {
  readonly outgoing: Outgoing;
}

const tags = ['outgoing SMS'];
const config = { invalidJsonText: 'invalid json' } satisfies FastifyContextConfig;
const earlyRateLimits = ['requests', 'credentials'] as const;
/** Read before authentication, so many concurrent bodies must fit into memory. */
const bodyLimit = 512 * 1024;

const maxTtlSeconds = 31 * 86_400;
const time = (description: string) =>
  Type.Optional(Type.String({ maxLength: 40, description: `${description}. ISO 8601 with an offset` }));

const authId = Type.String({ pattern: authIdPattern, description: "The developer's id" });
const credential = Type.String({ minLength: 1, maxLength: 256 });
const subscription = Type.Object({
  auth_id: authId,
  auth_key: credential,
  id: credential,
  key: credential,
});
const number = Type.String({ maxLength: maxNumberLength, description: 'E.164' });
const result = Type.Object({
  uuid: Type.String(),
  errors: Type.Array(
    Type.Object({
      number: Type.String(),
      operator_name: Type.String(),
      error_message: Type.String(),
      timestamp: Type.String({ description: 'ISO 8601' }),
    }),
  ),
  messages: Type.Optional(
    Type.Array(Type.Object(messageSummaryMembers), {
      description: 'Each recipient in order, failed ones too; absent in a 503',
    }),
  ),
});
const subscriptionDocs = {
  responses: { 200: { description: 'Done; the body is empty', content: textContent() } },
  errors: ['UNAUTHENTICATED', 'LIMITED', 'UPSTREAM', 'UNAVAILABLE'],
} satisfies RouteDocs;

export const outgoingRoutes: FastifyPluginAsyncTypebox<Options> = async (app, { outgoing }) => {
  const subscriptionOptions = (operationId: string, summary: string) => ({
    config: { ...config, earlyRateLimits, docs: subscriptionDocs },
    schema: { operationId, summary, tags, body: subscription },
  });

  app.post(
    '/v1/subscribe',
    subscriptionOptions('subscribe', "Give a developer's gateway clients access to its queues"),
    async (request, reply) => {
      await outgoing.subscribe(subscriptionOf(request.body), request.requestContext);
      return reply.type('text/plain; charset=utf-8').send('');
    },
  );

  app.delete(
    '/v1/unsubscribe',
    subscriptionOptions('unsubscribe', 'Revoke that access'),
    async (request, reply) => {
      await outgoing.unsubscribe(subscriptionOf(request.body), request.requestContext);
      return reply.type('text/plain; charset=utf-8').send('');
    },
  );

  app.decorateRequest('recipients');
  app.post(
    '/v1/sms',
    {
      bodyLimit,
      preValidation: parseRecipients,
      config: {
        ...config,
        earlyRateLimits,
        docs: {
          responses: {
            200: {
              description: 'The recipients that failed, with the reason',
              content: { 'application/json': result },
            },
            503: {
              description: 'The broker accepted none of them; try again',
              content: { 'application/json': result },
            },
          },
          errors: [...subscriptionDocs.errors, 'CONFLICT'],
        },
      },
      schema: {
        operationId: 'sendSms',
        summary: 'Send SMS through gateway clients; returns the recipients that failed',
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
              text: Type.String({ minLength: 1, maxLength: maxTextLength }),
              operator_name: Type.Optional(Type.String()),
              sid: Type.Optional(
                Type.String({
                  description:
                    'Subscription id of the SIM on the phone, a whole number; default: [outgoing] sim',
                }),
              ),
            }),
            { maxItems: maxRecipients, description: '1 to 1,000' },
          ),
          callback_url: Type.Optional(Type.String({ maxLength: 8_192 })),
          callback_events: Type.Optional(
            Type.Array(Type.Enum([...callbackEvents]), {
              maxItems: callbackEvents.length,
              description:
                'States that are reported to callback_url, besides the result; default: [outgoing] callback_events',
            }),
          ),
          uuid: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
          schedule_at: time('Not to be sent earlier; at most 31 days ahead'),
          valid_until: time('Not to be sent later'),
          ttl: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: maxTtlSeconds,
              description: 'In place of valid_until: seconds from when it may be sent',
            }),
          ),
        }),
      },
    },
    async (request, reply) => {
      const { auth_id, auth_key, callback_url, callback_events, uuid, ttl } = request.body;
      const scheduledAt = readSendingTime('schedule_at', request.body.schedule_at);
      const validUntil = readSendingTime('valid_until', request.body.valid_until);
      // 401, not 400: the old server accepted an auth_id alone.
      if (!auth_key) throw new SwobError('UNAUTHENTICATED', 'missing auth_key');
      const { recipients } = request;
      if (!recipients) throw new SwobError('BAD_INPUT', 'data: expected at least one recipient');
      const idempotencyKey = request.headers['idempotency-key'];
      const { body, complete } = await outgoing.send(
        {
          authId: auth_id,
          authKey: auth_key,
          data: recipients,
          ...(callback_url !== undefined && { callbackUrl: callback_url }),
          ...(callback_events !== undefined && { callbackEvents: callback_events }),
          ...(uuid !== undefined && { uuid }),
          ...(scheduledAt !== undefined && { scheduledAt }),
          ...(validUntil !== undefined && { validUntil }),
          ...(ttl !== undefined && { ttlMs: ttl * 1_000 }),
          ...(idempotencyKey !== undefined && { idempotencyKey }),
        },
        request.requestContext,
      );
      if (!complete) reply.code(503).header('retry-after', 5);
      return reply.type('application/json; charset=utf-8').send(body);
    },
  );

  app.post(
    '/v1/sms/operators',
    {
      bodyLimit,
      preValidation: normalizeLookups,
      config: { ...config, earlyRateLimits: ['lookups'], docs: { errors: ['LIMITED', 'UNAVAILABLE'] } },
      schema: {
        operationId: 'findOperators',
        summary: 'Return the list with each missing operator_name filled in',
        tags,
        body: Type.Array(
          Type.Object(
            { number, text: Type.Optional(Type.String()), operator_name: Type.Optional(Type.String()) },
            { additionalProperties: true },
          ),
          { maxItems: maxRecipients },
        ),
        response: {
          200: Type.Array(
            Type.Object({ number, operator_name: Type.String() }, { additionalProperties: true }),
          ),
        },
      },
    },
    (request) => outgoing.withOperators(request.body, request.requestContext),
  );
};

function subscriptionOf(body: Static<typeof subscription>): Subscription {
  return { authId: body.auth_id, authKey: body.auth_key, setup: { id: body.id, key: body.key } };
}
