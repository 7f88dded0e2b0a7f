// The routes by which the phones and gateways of today submit SMS, with the answers of the servers that they were written for.
// docs/protocol.md, "Publishing".

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { type TSchema, Type } from 'typebox';
import { secretsEqual } from '../../crypto/constant-time.ts';
import { repeatsMember } from '../../crypto/strict-json.ts';
import type { Publishing } from '../../domain/inbound/publishing.ts';
import type { RateLimit } from '../../domain/shared/model.ts';
import type { LimitStore } from '../../domain/shared/ports.ts';
import { consumeAll, rateLimited } from '../../domain/shared/rate-limiting.ts';
import { SwobError } from '../../errors.ts';
import type { RouteDocs } from '../../http/api-docs/route-docs.ts';
import {
  addInboundBodies,
  type InboundBody,
  inboundBodyLimit,
  originOf,
  parseTime,
} from '../inbound-body.ts';

interface Options {
  readonly publishing: Publishing;
  /** `[relay] tag`, which `/v1/publications` requires; empty: none. */
  readonly tag: string;
  readonly limits: LimitStore;
  readonly smsLimit: RateLimit;
}

type Members = Extract<InboundBody, { readonly kind: 'members' }>;

/** A number with its punctuation; longer ones are refused. */
const maxAddressLength = 64;

const texts = {
  published: 'message published successfully',
  accepted: 'accepted',
  recorded: 'reliability test recorded',
  refused: 'message cannot be published',
} as const;

const formTypes = /^\s*(?:application\/x-www-form-urlencoded|multipart\/form-data)\b/i;

const text = Type.String({ description: 'As received' });
const address = Type.String({ description: 'Sender' });
const time = Type.Optional(
  Type.Union([Type.Number(), Type.String()], { description: 'Unix time in milliseconds' }),
);

export const publicationRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const { publishing, tag, limits, smsLimit } = options;
  const readBody = addInboundBodies(app);

  const readMembers = (request: FastifyRequest): Members => {
    const body = readBody(request);
    if (body.kind === 'members') return body;
    if (formTypes.test(request.sentContentType)) {
      throw new SwobError('UNSUPPORTED_MEDIA', 'a form cannot be read here: send JSON');
    }
    throw new SwobError('BAD_INPUT', `not JSON: ${body.reason}`);
  };

  /** Counts wrong tags like SMS, so that they cannot be guessed. */
  const requireTag = async (request: FastifyRequest, { members, json }: Members): Promise<void> => {
    if (tag === '') return;
    const given = typeof members.tag === 'string' ? members.tag : '';
    if (secretsEqual(given, tag) && !repeatsMember(json, 'tag')) return;
    const key = `sms:address:${request.requestContext.address}` as const;
    const exceeded = await consumeAll(limits, [key], smsLimit);
    if (exceeded) throw rateLimited('SMS', exceeded.seconds);
    throw new SwobError('FORBIDDEN', 'missing or wrong tag');
  };

  const body = { text, MSISDN: Type.Optional(address), address: Type.Optional(address) };
  app.post(
    '/v3/publish',
    {
      bodyLimit: inboundBodyLimit,
      config: {
        earlyRateLimits: ['sms'],
        errorBody: (error) => ({ error }),
        docs: docsOf({ ...body, date: time, date_sent: time }, 'publisher_response', 'error', {
          202: { description: 'It is kept, and published once the Publisher accepts it' },
        }),
      },
      schema: {
        operationId: 'publishSms',
        summary: 'Submit an SMS, as DekuSMS forwards it; MSISDN or address is the sender',
        tags: ['sms'],
      },
    },
    async (request, reply) => {
      const { members } = readMembers(request);
      const sms = {
        platform: 'v3',
        text: requireString(members, 'text'),
        msisdn: isPresent(members.MSISDN)
          ? requireAddress(members, 'MSISDN')
          : requireAddress(members, 'address', 'address or MSISDN'),
      };
      checkTime(members, 'date');
      checkTime(members, 'date_sent');
      const origin = originOf(members);
      const { id, reply: outcome } = await publishing.receive(sms, request.requestContext, origin);
      if (outcome === 'refused') throw new SwobError('REFUSED', texts.refused);
      reply.code(outcome === 'accepted' ? 202 : 200).header('x-message-id', id);
      return { publisher_response: texts[outcome] };
    },
  );

  app.post(
    '/v1/publications',
    {
      bodyLimit: inboundBodyLimit,
      config: {
        earlyRateLimits: ['sms'],
        errorBody: (detail) => ({ detail }),
        docs: docsOf(
          { address, text, tag: Type.Optional(Type.String()) },
          'message',
          'detail',
          {},
          'FORBIDDEN',
        ),
      },
      schema: {
        operationId: 'createPublication',
        summary: 'Submit an SMS as to a RelaySMS Publisher; [relay] tag requires the same tag',
        tags: ['sms'],
      },
    },
    async (request, reply) => {
      const received = readMembers(request);
      await requireTag(request, received);
      const { members } = received;
      const sms = {
        platform: 'publications',
        text: requireString(members, 'text'),
        msisdn: requireAddress(members, 'address'),
      };
      const { id, reply: outcome } = await publishing.receive(sms, request.requestContext);
      if (outcome === 'refused') throw new SwobError('REFUSED', texts.refused);
      // 200 also for what waits: it means no more at a Publisher.
      reply.header('x-message-id', id);
      return { message: texts[outcome] };
    },
  );
};

/** Documents a route whose body is JSON with `members`, and whose answers have one member each. */
function docsOf(
  members: Record<string, TSchema>,
  answer: string,
  error: string,
  otherResponses: NonNullable<RouteDocs['responses']>,
  ...errors: NonNullable<RouteDocs['errors']>
): RouteDocs {
  const object = (name: string) => ({ 'application/json': Type.Object({ [name]: Type.String() }) });
  const responses = Object.entries(otherResponses).map(([status, response]) => [
    status,
    { ...response, content: object(answer) },
  ]);
  return {
    body: { 'application/json': Type.Object(members, { additionalProperties: true }) },
    responses: {
      200: { description: 'It is published, or kept for delivery', content: object(answer) },
      ...Object.fromEntries(responses),
    },
    errors: ['REFUSED', 'LIMITED', 'UNAVAILABLE', ...errors],
    errorContent: object(error),
  };
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

/** Throws BAD_INPUT with the words of the server that the phones know. */
function requireString(members: Record<string, unknown>, name: string, shown = name): string {
  const value = members[name];
  if (!isPresent(value)) throw new SwobError('BAD_INPUT', `Missing required field: ${shown}`);
  if (typeof value === 'string') return value;
  throw new SwobError('BAD_INPUT', `${name} is not well formed: a text was expected`);
}

function requireAddress(members: Record<string, unknown>, name: string, shown = name): string {
  const value = requireString(members, name, shown);
  if (value.length <= maxAddressLength) return value;
  throw new SwobError(
    'BAD_INPUT',
    `${name} is not well formed: it has more than ${maxAddressLength} characters`,
  );
}

/** An absent time is accepted: nothing depends on it. */
function checkTime(members: Record<string, unknown>, name: string): void {
  const value = members[name];
  if (!isPresent(value) || parseTime(value) !== undefined) return;
  throw new SwobError('BAD_INPUT', `${name} is not well formed: a Unix time in milliseconds was expected`);
}
