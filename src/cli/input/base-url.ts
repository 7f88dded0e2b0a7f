// URLs of options to which commands add paths. Used by client/endpoints.ts and stub-options.ts.

/** Origin and path without a trailing slash of an http(s) URL; undefined for other texts, and where a part of it would be dropped. */
export function parseBaseUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return undefined;
  const { username, password, search, hash, origin, pathname } = url;
  if (username !== '' || password !== '' || search !== '' || hash !== '') return undefined;
  return `${origin}${pathname}`.replace(/\/+$/, '');
}
