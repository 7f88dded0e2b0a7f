// The security headers of all responses of the console and its pages. Used by the plugins of this folder.

import type { FastifyReply } from 'fastify';

/** No inline script or style, no other origin. uPlot sets styles through the CSSOM, which the policy does not affect. */
const policyWith = (connectSource: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src ${connectSource}`,
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');

const headers = {
  'content-security-policy': policyWith("'self'"),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** Those that let pages of other origins read the responses of the gateway. */
const crossOriginHeaders = [
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-expose-headers',
];

/** An onRequest hook. */
export async function addPageHeaders(_request: unknown, reply: FastifyReply): Promise<void> {
  for (const name of crossOriginHeaders) reply.removeHeader(name);
  reply.headers(headers);
}

/** The same for pages that also connect to another origin, which is read at each request. */
export function addPageHeadersWith(connectOrigin: () => string) {
  return async (request: unknown, reply: FastifyReply): Promise<void> => {
    await addPageHeaders(request, reply);
    reply.header('content-security-policy', policyWith(`'self' ${connectOrigin()}`));
  };
}
