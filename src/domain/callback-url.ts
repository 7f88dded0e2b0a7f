// Which callback URLs a developer may give, as far as their text tells. Used by the route of outgoing SMS, to refuse
// at once, and by the callback sender, which also checks the address that is behind one.

const maxLength = 2_048;

/** What stands against calling this URL, in words that follow "callback_url"; undefined when nothing does. */
export function callbackUrlFault(url: string): string | undefined {
  if (url.length > maxLength) return `has over ${maxLength} characters`;
  // A URL parser would drop some of these without a word.
  if (/[\p{C}\p{Z}]/u.test(url)) return 'holds white space or control characters';
  if (!URL.canParse(url)) return 'is not a URL';
  const { protocol, username, password } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') return 'is neither http nor https';
  if (username !== '' || password !== '') return 'holds a user name or password';
  return undefined;
}
