// Parses the URL of a store in a folder. Used by adapter.ts.

import { fileURLToPath } from 'node:url';

const expected =
  'expected file:<folder> such as file:./data, or file:///<absolute folder> with %20 for a space';

/**
 * The folder after `file:`, which is taken literally; only after `file:///` is it percent-decoded. Throws an Error that
 * names the expected form.
 */
export function parseFolderUrl(url: string): string {
  const folder = url.startsWith('file:///') ? decodedFolder(url) : url.replace(/^file:(?!\/\/)/, '');
  if (folder === url || folder === '' || folder.includes('\0')) throw new Error(expected);
  return folder;
}

function decodedFolder(url: string): string {
  if (/[?#\\]/.test(url)) throw new Error(`${expected}; write "?", "#" and "\\" in it as %3F, %23, %5C`);
  try {
    return fileURLToPath(url);
  } catch {
    // An invalid percent-encoding, or an encoded slash.
    throw new Error(expected);
  }
}
