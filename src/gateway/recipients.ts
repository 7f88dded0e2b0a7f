// Parses the recipients of a request to send SMS before the schema validates it: an invalid recipient is reported in the
// response and does not fail the others. Used by routes/outgoing.ts.

import type { FastifyRequest } from 'fastify';
import type { Recipient } from '../domain/outgoing/addressing.ts';
import { isSubscriptionId } from '../domain/outgoing/message-bodies.ts';
import { isObject } from '../lib/json.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The recipients of a request to send SMS, in order, invalid ones included. */
    recipients?: readonly Recipient[];
  }
}

/** Characters. */
export const maxNumberLength = 64;
/** Longer than any SMS of 255 parts. */
export const maxTextLength = 40_000;
/** Characters of an invalid operator that the response repeats. */
const maxOperatorLength = 255;

/** Recipients of one request. */
export const maxRecipients = 1_000;

/**
 * A preValidation hook. Removes optional members that are empty or null, as documented examples send them, and leaves only
 * well-formed recipients to the schema.
 */
export async function parseRecipients(request: FastifyRequest): Promise<void> {
  const { body } = request;
  if (!isObject(body)) return;
  removeEmptyMembers(body, [
    'auth_key',
    'callback_url',
    'callback_events',
    'uuid',
    'schedule_at',
    'valid_until',
    'ttl',
  ]);
  // The schema rejects a list that is empty or too long.
  if (!Array.isArray(body.data) || body.data.length === 0 || body.data.length > maxRecipients) return;
  request.recipients = body.data.map(parseRecipient);
  body.data = request.recipients.filter(({ fault }) => fault === undefined);
}

/**
 * A preValidation hook for a list of numbers. Removes optional members that are null, and converts JSON numbers to
 * strings, so that they do not fail the others.
 */
export async function normalizeLookups({ body }: FastifyRequest): Promise<void> {
  if (!Array.isArray(body) || body.length > maxRecipients) return;
  for (const item of body.filter(isObject)) {
    for (const member of ['text', 'operator_name']) if (item[member] === null) delete item[member];
    if (typeof item.number === 'number') item.number = String(item.number);
  }
}

function removeEmptyMembers(body: Record<string, unknown>, members: readonly string[]): void {
  for (const member of members) if (body[member] === null || body[member] === '') delete body[member];
}

function parseRecipient(value: unknown): Recipient {
  if (!isObject(value)) return { number: '', text: '', fault: 'not an object with number and text' };
  const { number, text } = value;
  const operator = value.operator_name ?? '';
  const sid = value.sid ?? '';
  const recipient = {
    number: truncate(number, maxNumberLength),
    text: typeof text === 'string' ? text : '',
    ...(operator !== '' && { operator_name: truncate(operator, maxOperatorLength) }),
    ...(isSubscriptionId(sid) && { sid }),
  };
  const fault =
    findNumberError(number) ?? findTextError(text) ?? findOperatorError(operator) ?? findSidError(sid);
  return fault === undefined ? recipient : { ...recipient, text: '', fault };
}

function findNumberError(number: unknown): string | undefined {
  if (typeof number !== 'string') return 'number: expected a text, such as "+237650393369"';
  return number.length > maxNumberLength ? 'not a phone number in E.164 format' : undefined;
}

function findTextError(text: unknown): string | undefined {
  if (typeof text !== 'string' || text === '') return 'text: expected a text that is not empty';
  return text.length > maxTextLength ? `text: over ${maxTextLength} characters` : undefined;
}

function findOperatorError(operator: unknown): string | undefined {
  if (typeof operator !== 'string') return 'operator_name: expected a text';
  return operator.length > maxOperatorLength ? 'operator_name is not well formed: it is too long' : undefined;
}

function findSidError(sid: unknown): string | undefined {
  return sid === '' || isSubscriptionId(sid)
    ? undefined
    : 'sid: expected a whole number in text, such as "1"';
}

/** The part of an invalid value that the response repeats. */
function truncate(value: unknown, maxLength: number): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, maxLength) : '';
}
