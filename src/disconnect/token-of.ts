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

function inQuery(request: FastifyRequest): unknown[] {
  const { url = '' } = request.raw;
  const start = url.indexOf('?');
  return start < 0 ? [] : new URLSearchParams(url.slice(start + 1)).getAll('token');
}

/** Of every Authorization header, of which Node's `headers` has the first alone; all that follows `Bearer`. */
function inHeader(request: FastifyRequest): unknown[] {
  const values = request.raw.headersDistinct.authorization ?? [];
  return values
    .flatMap((value) => /^bearer(?: +(.*))?$/i.exec(value)?.slice(1) ?? [])
    .map((token) => token ?? '');
}

function inBody({ body }: FastifyRequest): unknown[] {
  if (body instanceof URLSearchParams) return body.getAll('token');
  return typeof body === 'object' && body !== null && 'token' in body ? [body.token] : [];
}
