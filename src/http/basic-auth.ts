// Reads the credentials of HTTP Basic authentication (RFC 7617) from a request. Used by routes for developers.

import type { FastifyRequest } from 'fastify';

export interface BasicCredentials {
  readonly user: string;
  readonly password: string;
}

const maxLength = 1_024;

/** Undefined without such credentials, and for malformed ones. */
export function basicCredentials({ headers }: FastifyRequest): BasicCredentials | undefined {
  const header = headers.authorization ?? '';
  const encoded =
    header.length > maxLength ? undefined : /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1 || colon === text.length - 1) return undefined;
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
