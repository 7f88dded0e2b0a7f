// The URL of the store: how it is checked, and the folder that it names. Used by schema.ts and app/compose.

import { fileURLToPath } from 'node:url';
import { type Key, key } from './kinds.ts';

const expected =
  'expected file:<folder> such as file:./data, file:///<absolute folder> with %20 for a space, or memory:';

/**
 * The folder of a `file:` URL; undefined for `memory:`. What follows `file:` is the folder as it stands; only
 * that of `file:///` is decoded (`%20`). Throws an Error for every other URL.
 */
export function storeFolder(url: string): string | undefined {
  if (url === 'memory:') return undefined;
  const folder = url.startsWith('file:///') ? decoded(url) : url.replace(/^file:(?!\/\/)/, '');
  if (folder === url || folder === '' || folder.includes('\0')) throw new Error(expected);
  return folder;
}

function decoded(url: string): string {
  if (/[?#\\]/.test(url)) throw new Error(`${expected}; a "?", "#" or "\\" in it is written %3F, %23, %5C`);
  try {
    return fileURLToPath(url);
  } catch {
    // A percent sign that begins no code, or the code of a slash.
    throw new Error(expected);
  }
}

export function storeUrl(value: string, doc: string): Key<string> {
  const parse = (text: string): string => {
    storeFolder(text);
    return text;
  };
  return key({ name: 'file:<folder> | memory:', parse, format: (v) => v }, value, doc);
}
