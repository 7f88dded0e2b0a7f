// Verifies X-Twilio-Signature, by Twilio's "Validating Requests". Used by the route of inbound SMS. Not by the `twilio`
// package, which is an API client of dozens of megabytes around these lines.

import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * `url` is the one that Twilio called, query included; `params` the form's names and values, decoded. As in
 * Twilio's own libraries the signature may cover the URL with its port or without. False with an empty token:
 * anyone could sign.
 */
export function verifyTwilioSignature(
  authToken: string,
  url: string,
  params: readonly (readonly [string, string])[],
  signature: string,
): boolean {
  if (authToken === '') return false;
  const signed = signedParams(params);
  const given = Buffer.from(signature);
  const matches = [url, withoutPort(url), withDefaultPort(url)].map((each) => {
    const expected = Buffer.from(createHmac('sha1', authToken).update(each).update(signed).digest('base64'));
    return expected.length === given.length && timingSafeEqual(expected, given);
  });
  return matches.includes(true);
}

/** Names and values concatenated in sorted order, without duplicate values of a name. */
function signedParams(params: readonly (readonly [string, string])[]): string {
  const values = new Map<string, Set<string>>();
  for (const [name, value] of params) values.set(name, (values.get(name) ?? new Set()).add(value));
  return [...values.keys()]
    .sort()
    .flatMap((name) => [...(values.get(name) ?? [])].sort().map((value) => `${name}${value}`))
    .join('');
}

// The URL's text is edited, because parsing and serialising it could spell the path differently.

function withoutPort(url: string): string {
  return url.replace(/^(https?:\/\/[^/?#]*):\d+(?=[/?#]|$)/, '$1');
}

function withDefaultPort(url: string): string {
  const port = url.startsWith('https:') ? 443 : 80;
  return withoutPort(url).replace(/^https?:\/\/[^/?#]*/, (origin) => `${origin}:${port}`);
}
