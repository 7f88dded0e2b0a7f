// The route by which gateway clients of 2022 and Twilio submit SMS for the Publisher. docs/protocol.md, "Publishing".

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { verifyTwilioSignature } from '../../crypto/twilio-signature.ts';
import type { SmsOrigin } from '../../domain/inbound/model.ts';
import type { Publishing, SmsReply } from '../../domain/inbound/publishing.ts';
import type { ServiceUrls } from '../../domain/shared/urls.ts';
import { SwobError } from '../../errors.ts';
import { type RouteDocs, textContent } from '../../http/api-docs/route-docs.ts';
import { addInboundBodies, inboundBodyLimit, inboundText, originOf } from '../inbound-body.ts';

interface Options {
  readonly publishing: Publishing;
  readonly addresses: ServiceUrls;
  /** Empty: requests from Twilio are rejected. */
  readonly twilioToken: string;
}

interface ReceivedSms {
  readonly origin?: SmsOrigin;
  readonly msisdn: string;
  readonly text: string;
}

/** Twilio, or any name that a gateway client chooses: existing scripts post to `gateway-server`, `deku` and others. */
const platformName = /^[a-z0-9-]{1,32}$/;

/** The texts that docs/protocol.md fixes. A refusal gives no reason, which would reveal who has paired. */
const responses: Record<SmsReply, { readonly status: number; readonly text: string }> = {
  published: { status: 200, text: 'message published successfully' },
  accepted: { status: 202, text: 'message accepted' },
  recorded: { status: 200, text: 'reliability test recorded' },
  // 200: modems submit ordinary SMS too, and would repeat anything else for ever.
  refused: { status: 200, text: 'message cannot be published' },
};

const docs = {
  body: {
    'application/json': Type.Object(
      {
        text: Type.String({ description: 'As received' }),
        MSISDN: Type.Optional(Type.String({ description: 'Sender' })),
        address: Type.Optional(Type.String({ description: 'Sender, when there is no MSISDN' })),
      },
      { additionalProperties: true },
    ),
    'application/x-www-form-urlencoded': Type.Object(
      { From: Type.String({ description: 'Sender' }), Body: Type.String({ description: 'As received' }) },
      { additionalProperties: true },
    ),
  },
  anyContentType: true,
  responses: {
    200: {
      description: 'It was published, or cannot be published: the text says which',
      content: { ...textContent(), 'text/xml': Type.String({ description: 'TwiML, for Twilio' }) },
    },
    202: {
      description: 'It is kept, and published once the Publisher accepts it',
      content: { ...textContent(), 'text/xml': Type.String({ description: 'TwiML, for Twilio' }) },
    },
  },
  errors: ['FORBIDDEN', 'NOT_FOUND', 'LIMITED', 'UNAVAILABLE'],
} satisfies RouteDocs;

const invalidJsonText = 'invalid data type, json expected';

export const inboundRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const readBody = addInboundBodies(app);

  /** Ignores the content type, as the old server did, and members that it does not know. */
  const parseGatewayClient = (
    request: FastifyRequest<{ Params: { platform: string } }>,
    reply: FastifyReply,
  ): ReceivedSms => {
    const body = readBody(request);
    if (body.kind === 'fault') {
      // The text of the body is fixed.
      reply.header('x-error-detail', body.reason);
      throw new SwobError('BAD_INPUT', invalidJsonText);
    }
    const { text, MSISDN, address } = body.members;
    const isMissing = MSISDN === undefined || MSISDN === null || MSISDN === '';
    const [name, sender] = isMissing && address ? ['address', address] : ['MSISDN', MSISDN];
    return {
      text: requireText('text', text),
      msisdn: requireText(String(name), sender),
      origin: originOf(body.members, request.params.platform),
    };
  };

  const parseTwilio = (request: FastifyRequest): ReceivedSms => {
    const form = new URLSearchParams(inboundText(request));
    const signature = request.headers['x-twilio-signature'];
    const url = `${options.addresses.gateway()}${request.url}`;
    const isSigned =
      options.twilioToken !== '' &&
      typeof signature === 'string' &&
      verifyTwilioSignature(options.twilioToken, url, [...form], signature);
    if (!isSigned) throw new SwobError('FORBIDDEN', 'missing or wrong signature');
    return {
      text: requireText('Body', form.get('Body') ?? undefined),
      msisdn: requireText('From', form.get('From') ?? undefined),
      // The number at Twilio that received the SMS.
      origin: originOf({ tag: form.get('To') }),
    };
  };

  app.post(
    '/sms/platform/:platform',
    {
      bodyLimit: inboundBodyLimit,
      config: { earlyRateLimits: ['sms'], docs },
      schema: {
        operationId: 'receiveSms',
        summary:
          'Submit an SMS for the Publisher, as JSON {"text","MSISDN" or "address"} or as Twilio\'s form',
        security: [{}, { twilioSignature: [] }],
        tags: ['sms'],
        params: Type.Object({ platform: Type.String() }),
      },
    },
    async (request, reply) => {
      const { platform } = request.params;
      if (!platformName.test(platform)) throw new SwobError('NOT_FOUND', 'unknown platform');
      const { origin, ...sms } =
        platform === 'twilio' ? parseTwilio(request) : parseGatewayClient(request, reply);
      const { id, reply: outcome } = await options.publishing.receive(
        { platform, ...sms },
        request.requestContext,
        origin,
      );
      const { status, text } = responses[outcome];
      if (outcome !== 'refused') reply.header('x-message-id', id);
      reply.code(status);
      if (platform === 'twilio') return reply.type('text/xml; charset=utf-8').send(emptyTwiml(text));
      return reply.type('text/plain; charset=utf-8').send(text);
    },
  );
};

/** TwiML without a message: Twilio would send plain text to the sender as an SMS, at the operator's cost. */
function emptyTwiml(text: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><Response><!-- ${text} --></Response>`;
}

/** A required text member. Throws BAD_INPUT with the text that docs/protocol.md fixes. */
function requireText(name: string, value: unknown): string {
  if (value === undefined || value === null || value === '') {
    throw new SwobError('BAD_INPUT', `missing key - ${name}`);
  }
  if (typeof value === 'string') return value;
  throw new SwobError('BAD_INPUT', `${name} is not well formed`);
}
