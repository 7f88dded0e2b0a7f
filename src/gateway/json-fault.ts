// Where and why a text is not JSON in the sense of lenient-json.ts. JSON.parse names the place of some faults only, and quotes the
// text. Used by inbound-body.ts.

export interface JsonFault {
  /** What was expected or found, without any of the text. */
  readonly reason: string;
  /** Both from 1; the column counts UTF-16 code units. */
  readonly line: number;
  readonly column: number;
}

const blank = /[ \t\n\r]*/y;
const literal = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** A string up to its closing quote, or up to the first wrong escape sequence; raw control characters are accepted. */
const string = /"(?:[^"\\]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*/y;

/**
 * The first fault; undefined when there is none. Recursive: the text must not be nested deeper than `maxJsonDepth`.
 */
export function findJsonFault(text: string): JsonFault | undefined {
  let at = 0;
  const skip = (pattern: RegExp): boolean => {
    const from = at;
    pattern.lastIndex = from;
    // Not `exec`, which would copy what it finds.
    if (pattern.test(text)) at = pattern.lastIndex;
    return at > from;
  };
  const take = (character: string): boolean => {
    skip(blank);
    if (text[at] !== character) return false;
    at++;
    return true;
  };
  const readString = (): string | undefined => {
    skip(string);
    if (text[at] === '"') {
      at++;
      return undefined;
    }
    if (at >= text.length) return 'a string is not closed';
    return 'unknown escape sequence';
  };
  const readMember = (): string | undefined => {
    skip(blank);
    if (text[at] !== '"') return "expected a member's name in double quotes";
    return readString() ?? (take(':') ? readValue() : "expected ':' after a member's name");
  };
  const readList = (close: string, readItem: () => string | undefined): string | undefined => {
    if (take(close)) return undefined;
    do {
      const reason = readItem();
      if (reason !== undefined) return reason;
    } while (take(','));
    return take(close) ? undefined : `expected ',' or '${close}'`;
  };
  const readValue = (): string | undefined => {
    skip(blank);
    if (text[at] === '"') return readString();
    if (take('{')) return readList('}', readMember);
    if (take('[')) return readList(']', readValue);
    return skip(literal) ? undefined : 'expected a value';
  };

  let reason = readValue();
  skip(blank);
  if (reason === undefined && at < text.length) reason = 'more text after the end of the JSON';
  if (reason === undefined) return undefined;
  if (at >= text.length) reason += ', but the text ends';
  const before = text.slice(0, at).split(/\r\n|\n|\r/);
  return { reason, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
