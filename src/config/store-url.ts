// The URL of the store as a configuration value. Which forms it may have is known to the kinds of stores, which
// app/compose/store-adapters.ts passes to load.ts. Used by store-keys.ts and app/compose.

import { defineKey, type KeyDefinition } from './value-types.ts';

/** The URL with `***` in place of the password, for output and logs. */
export function redactStoreUrl(url: string): string {
  // After three slashes there is a path, in which these characters have no meaning.
  return url.replace(/^([a-z+]+:\/\/(?!\/)[^:@]*):.*@/, '$1:***@');
}

export function storeUrl(value: string, doc: string): KeyDefinition<string> {
  const parse = (text: string): string => {
    if (!/^[a-z]/.test(text)) throw new Error('expected a URL such as file:./data');
    return text;
  };
  return defineKey(
    { name: 'file:<folder> | memory: | redis://…', parse, format: (url) => url, redact: redactStoreUrl },
    value,
    doc,
  );
}
