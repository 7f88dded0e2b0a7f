// Where a request to the disconnect service carries its token. Used by server.ts.

import type { FastifyRequest } from 'fastify';
import { maxTokenLength } from '../crypto/jwt-format.ts';
import { SwobError } from '../errors.ts';

/**
 * The token of `?token=`, of `Authorization: Bearer`, or of a form's or JSON body's `token`.
 * Throws BAD_INPUT when there is none, more than one, or one that is too long to be one.
 */
export function tokenOf(request: FastifyRequest): string {
  const found = [...inQuery(request), ...inHeader(request), ...inBody(request)];
  if (found.length === 0 || found[0] === '') throw new SwobError('BAD_INPUT', 'no token');
  const [token] = found;
  if (found.length > 1 || typeof token !== 'string')
    throw new SwobError('BAD_INPUT', 'more than one token, or no text');
  if (token.length > maxTokenLength) {
    throw new SwobError('BAD_INPUT', `token longer than ${maxTokenLength} characters`);
  }
  return token;
}

/** A list where it was given more than once. */
function inQuery({ query }: FastifyRequest): unknown[] {
  const { token }: { token?: unknown } = Object(query);
  return token === undefined ? [] : [token].flat();
}

/** Of every Authorization header, of which Node's `headers` has the first alone; all that follows `Bearer`. */
function inHeader(request: FastifyRequest): unknown[] {
  const { headers, raw } = request;
  // The others are taken apart only where there is one.
  if (headers.authorization === undefined) return [];
  const values = raw.headersDistinct.authorization ?? [];
  return values
    .flatMap((value) => /^bearer(?: +(.*))?$/i.exec(value)?.slice(1) ?? [])
    .map((token) => token ?? '');
}

function inBody({ body }: FastifyRequest): unknown[] {
  if (body instanceof URLSearchParams) return body.getAll('token');
  return typeof body === 'object' && body !== null && 'token' in body ? [body.token] : [];
}
