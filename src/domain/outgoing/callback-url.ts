// Checks the text of callback URLs. Used by outgoing SMS, which rejects a bad one in its response, and by the callback
// sender, which also checks the address that the host resolves to.

import { SwobError } from '../../errors.ts';

const maxLength = 2_048;
const maxUrls = 5;

/** Why this URL cannot be called, as a phrase that follows `callback_url`; undefined when it can. */
export function callbackUrlFault(url: string): string | undefined {
  if (url.length > maxLength) return `has over ${maxLength} characters`;
  // The URL parser would drop some of these silently.
  if (/[\p{C}\p{Z}]/u.test(url)) return 'holds white space or control characters';
  if (!URL.canParse(url)) return 'is not a URL';
  const { protocol, username, password } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') return 'is neither http nor https';
  if (username !== '' || password !== '') return 'holds a user name or password';
  return undefined;
}

/** Splits and checks a list that is separated by commas. Throws BAD_INPUT with the reason. */
export function parseCallbackUrls(text = ''): string[] {
  const urls = text
    .split(',')
    .map((url) => url.trim())
    .filter((url) => url !== '');
  if (urls.length > maxUrls) throw new SwobError('BAD_INPUT', `callback_url: at most ${maxUrls} URLs`);
  for (const url of urls) {
    const fault = callbackUrlFault(url);
    if (fault !== undefined) throw new SwobError('BAD_INPUT', `callback_url ${fault}`);
  }
  return urls;
}
