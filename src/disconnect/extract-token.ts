// Extracts the token from a request to the disconnect service. Used by server.ts.

import type { FastifyRequest } from 'fastify';
import { maxTokenLength } from '../crypto/jwt-format.ts';
import { SwobError } from '../errors.ts';
import { isObject } from '../lib/json.ts';

/**
 * Reads `?token=`, `Authorization: Bearer`, and the `token` of a form or JSON body.
 * Throws NO_TOKEN without a token; BAD_INPUT for more than one, or one that is too long.
 */
export function extractToken(request: FastifyRequest): string {
  const found = [...queryTokens(request), ...headerTokens(request), ...bodyTokens(request)];
  if (found.length === 0 || found[0] === '') throw new SwobError('NO_TOKEN', 'no token');
  const [first] = found;
  if (found.length > 1 || typeof first !== 'string')
    throw new SwobError('BAD_INPUT', 'more than one token, or not a string');
  // Copying a token often adds whitespace.
  const token = first.trim();
  if (token === '') throw new SwobError('NO_TOKEN', 'no token');
  if (token.length > maxTokenLength) {
    throw new SwobError('BAD_INPUT', `token longer than ${maxTokenLength} characters`);
  }
  return token;
}

function queryTokens({ query }: FastifyRequest): unknown[] {
  const { token }: { token?: unknown } = Object(query);
  if (token === undefined) return [];
  return Array.isArray(token) ? token : [token];
}

/** Everything after `Bearer` in every Authorization header; Node's `headers` has only the first one. */
function headerTokens(request: FastifyRequest): unknown[] {
  const { headers, raw } = request;
  // `headersDistinct` parses all headers, so it is read only when there is one.
  if (headers.authorization === undefined) return [];
  const values = raw.headersDistinct.authorization ?? [];
  return values
    .flatMap((value) => /^bearer(?: +(.*))?$/i.exec(value)?.slice(1) ?? [])
    .map((token) => token ?? '');
}

function bodyTokens({ body }: FastifyRequest): unknown[] {
  if (body instanceof URLSearchParams) return body.getAll('token');
  return isObject(body) && 'token' in body ? [body.token] : [];
}
