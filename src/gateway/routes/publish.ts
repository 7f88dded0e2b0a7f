// Where gateway clients and Twilio hand over SMS for the Publisher. CONTRACT.md, "Publishing".

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { verifyTwilioSignature } from '../../crypto/twilio-signature.ts';
import type { Addresses } from '../../domain/addresses.ts';
import type { Publishing, SmsAnswer } from '../../domain/publishing.ts';
import { SwobError } from '../../errors.ts';

interface Options {
  readonly publishing: Publishing;
  readonly addresses: Addresses;
  /** Empty: nothing is taken from Twilio. */
  readonly twilioToken: string;
}

interface Received {
  readonly msisdn: string;
  readonly text: string;
}

/** An SMS of 255 parts, and its JSON. */
const bodyLimit = 128 * 1024;

/** The contract's words. Which reason a refusal has is not told, so that nobody learns who has paired. */
const answers: Record<SmsAnswer, { readonly status: number; readonly text: string }> = {
  published: { status: 200, text: 'message published successfully' },
  accepted: { status: 202, text: 'message accepted' },
  // 200: a modem would offer the SMS again and again, and ordinary ones come in here as well.
  refused: { status: 200, text: 'message cannot be published' },
};

const notJson = 'invalid data type, json expected';

export const publishRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const parseJson = app.getDefaultJsonParser('error', 'error');

  /** The old server looked at the body only, whatever type clients gave it. */
  const gatewayClient = (request: FastifyRequest<{ Body: string }>): Received => {
    let body: unknown;
    parseJson(request, request.body, (error, parsed) => {
      if (!error) body = parsed;
    });
    if (typeof body !== 'object' || body === null || Array.isArray(body)) {
      throw new SwobError('BAD_INPUT', notJson);
    }
    const { text, MSISDN }: { text?: unknown; MSISDN?: unknown } = body;
    return { text: textOf('text', text), msisdn: textOf('MSISDN', MSISDN) };
  };

  const twilio = (request: FastifyRequest<{ Body: string }>): Received => {
    const form = new URLSearchParams(request.body);
    const signature = request.headers['x-twilio-signature'];
    const url = `${options.addresses.gateway()}${request.url}`;
    const genuine =
      options.twilioToken !== '' &&
      typeof signature === 'string' &&
      verifyTwilioSignature(options.twilioToken, url, [...form], signature);
    if (!genuine) throw new SwobError('FORBIDDEN', 'missing or wrong signature');
    return {
      text: textOf('Body', form.get('Body') ?? undefined),
      msisdn: textOf('From', form.get('From') ?? undefined),
    };
  };

  const platforms = new Map([
    ['gateway-client', gatewayClient],
    ['twilio', twilio],
  ]);

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('text/plain', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', async (request) => {
    request.headers['content-type'] = 'text/plain';
  });

  app.post(
    '/sms/platform/:platform',
    {
      bodyLimit,
      schema: {
        summary: 'Take an SMS for the Publisher: JSON {"text","MSISDN"}, or the form of Twilio',
        tags: ['sms'],
        params: Type.Object({ platform: Type.String() }),
      },
    },
    async (request, reply) => {
      const { platform } = request.params;
      const received = platforms.get(platform);
      if (!received) throw new SwobError('NOT_FOUND', 'unknown platform');
      const body = typeof request.body === 'string' ? request.body : '';
      const sms = received(Object.assign(request, { body }));
      const { id, answer } = await options.publishing.receive({ platform, ...sms }, request.caller);
      const { status, text } = answers[answer];
      if (answer !== 'refused') reply.header('x-message-id', id);
      reply.code(status);
      if (platform === 'twilio') return reply.type('text/xml; charset=utf-8').send(silently(text));
      return reply.type('text/plain; charset=utf-8').send(text);
    },
  );
};

/** TwiML that sends nothing: a plain text would go to the sender as an SMS, at the operator's cost. */
function silently(text: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><Response><!-- ${text} --></Response>`;
}

/** A member that must be a text. Throws BAD_INPUT in the contract's words. */
function textOf(name: string, value: unknown): string {
  if (value === undefined || value === null || value === '') {
    throw new SwobError('BAD_INPUT', `missing key - ${name}`);
  }
  if (typeof value === 'string') return value;
  throw new SwobError('BAD_INPUT', `${name} is not well formed`);
}
