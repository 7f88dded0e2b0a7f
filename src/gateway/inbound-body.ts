// The bodies of inbound SMS: JSON as phones, shell scripts and forwarding apps send it, whatever its content type. Used by the
// routes for inbound SMS.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { SmsOrigin } from '../domain/inbound/model.ts';
import { isObject, jsonShape, maxJsonDepth } from '../lib/json.ts';
import { findJsonFault } from './json-fault.ts';
import { escapeControlCharacters } from './lenient-json.ts';

/** Bytes of a body: an SMS of 255 parts as JSON. */
export const inboundBodyLimit = 128 * 1024;

export type InboundBody =
  | {
      readonly kind: 'members';
      readonly members: Record<string, unknown>;
      /** The text from which they were parsed: strict JSON. */
      readonly json: string;
    }
  /** For the client: what is wrong and where, without any of the text. */
  | { readonly kind: 'fault'; readonly reason: string };

declare module 'fastify' {
  interface FastifyRequest {
    /** The content type as sent; the header itself is replaced, because bodies are parsed whatever it says. */
    sentContentType: string;
  }
}

/**
 * Makes the routes of this plugin get their body as text, whatever its content type.
 * @returns reads the body of a request as a JSON object with a byte-order mark or raw line breaks in strings, too
 */
export function addInboundBodies(app: FastifyInstance): (request: FastifyRequest) => InboundBody {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'text/plain',
    app.textBodyParser((_request, text, done) => done(null, text)),
  );
  app.decorateRequest('sentContentType', '');
  app.addHook('onRequest', (request, _reply, done) => {
    request.sentContentType = request.headers['content-type'] ?? '';
    request.headers['content-type'] = 'text/plain';
    done();
  });

  return (request) => {
    const text = inboundText(request).replace(/^\ufeff/, '');
    if (jsonShape(text).depth > maxJsonDepth) return { kind: 'fault', reason: 'nested too deeply' };
    let body: unknown;
    const json = escapeControlCharacters(text);
    parseJson(request, json, (error, parsed) => {
      if (!error) body = parsed;
    });
    if (isObject(body)) return { kind: 'members', members: body, json };
    const fault = findJsonFault(text);
    if (fault) {
      return { kind: 'fault', reason: `${fault.reason} at line ${fault.line}, column ${fault.column}` };
    }
    // The parser rejects objects with these names alone.
    const reason = body === undefined ? 'a member is named __proto__ or constructor' : 'expected an object';
    return { kind: 'fault', reason };
  };
}

/** The body as sent; empty without one. */
export function inboundText({ body }: FastifyRequest): string {
  return typeof body === 'string' ? body : '';
}

/** Characters of a tag that may be the number of a gateway client. */
const maxTagLength = 64;
/** The latest time of a Date, in milliseconds. */
const maxTime = 8.64e15;

/**
 * Who submitted the SMS, and when: DekuSMS sends the tag that its user chose, and times. Ignores what is malformed.
 * @param platform the name in the URL, which may be the number of a gateway client
 */
export function originOf({ tag, date, date_sent }: Record<string, unknown>, platform = ''): SmsOrigin {
  const client = typeof tag === 'string' && tag !== '' && tag.length <= maxTagLength ? tag : platform;
  const [sentAt, receivedAt] = [parseTime(date_sent), parseTime(date)];
  return {
    ...(client !== '' && { client }),
    ...(sentAt !== undefined && { sentAt }),
    ...(receivedAt !== undefined && { receivedAt }),
  };
}

/** A Unix time in milliseconds, as a number or as digits; undefined for anything else. */
export function parseTime(value: unknown): number | undefined {
  const time = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  return typeof time === 'number' && time >= 0 && time <= maxTime ? time : undefined;
}
