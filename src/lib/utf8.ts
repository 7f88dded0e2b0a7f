// Decodes UTF-8 without replacing what is not UTF-8: a replaced byte would silently make another secret, path or
// name. Used by everything that reads a text file, stdin or the environment.

const strict = new TextDecoder('utf-8', { fatal: true });

/** What is wrong with a text that is not UTF-8. */
export class NotUtf8 extends Error {
  /** Of the first such byte, counted from 1. */
  readonly line: number;

  constructor(line: number) {
    super(`line ${line} is not UTF-8; ${utf8Remedy}`);
    this.name = 'NotUtf8';
    this.line = line;
  }
}

/** For messages that name file and line themselves. */
export const utf8Remedy = 'save the file as UTF-8, such as with: iconv -f latin1 -t utf-8 OLD > NEW';

/** The text of these bytes, without a byte order mark. Throws NotUtf8. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    throw new NotUtf8(firstBadLine(bytes));
  }
}

/** Whether a text that was decoded elsewhere (the environment, the command line) has lost bytes that were not UTF-8. */
export function hasReplacement(text: string): boolean {
  return text.includes('\ufffd');
}

/** A line end is one byte in UTF-8 and never part of another character, so each line is decoded on its own. */
function firstBadLine(bytes: Uint8Array): number {
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const end = bytes.indexOf(0x0a, start);
    const stop = end < 0 ? bytes.length : end;
    try {
      strict.decode(bytes.subarray(start, stop));
    } catch {
      return line;
    }
    start = stop + 1;
  }
  return line;
}
