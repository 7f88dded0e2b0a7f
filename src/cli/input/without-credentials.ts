// Hides user, password, query and fragment of a URL in messages about the command line. Used by usage.ts and client/endpoints.ts.

/** The URL may be misspelled anywhere, so it is not parsed. */
export function withoutCredentials(url: string): string {
  return url.replace(/^([^:]*:\/*).*@/s, '$1…@').replace(/^([^:]*:\/[^?#]*)[?#].*$/s, '$1?…');
}
