// JSON from outside: its shape is known before anything walks through its values. Used by whatever reads JSON of clients,
// upstreams, stores and files.

/** Deeper than anything that is sent to us, and far from what exhausts the stack of a recursive reader. */
export const maxJsonDepth = 64;

export interface JsonShape {
  /** Objects and arrays inside each other. */
  readonly depth: number;
  /** Objects, arrays and members: what a parser makes of the text, give or take one for each list. */
  readonly values: number;
}

/** Counts in one pass and without recursion; whether the text is JSON at all is the parser's to say. */
export function jsonShape(text: string): JsonShape {
  let [depth, deepest, values] = [0, 0, 1];
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22:
        at = endOfString(text, at);
        break;
      case 0x5b:
      case 0x7b:
        values++;
        if (++depth > deepest) deepest = depth;
        break;
      case 0x5d:
      case 0x7d:
        depth--;
        break;
      case 0x2c:
        values++;
    }
  }
  return { depth: deepest, values };
}

/** As JSON.parse, and throws a SyntaxError for what is nested deeper than `maxJsonDepth`. */
export function parseJson(text: string): unknown {
  if (jsonShape(text).depth > maxJsonDepth) {
    throw new SyntaxError(`JSON is nested deeper than ${maxJsonDepth} levels`);
  }
  return JSON.parse(text);
}

/** The same, but undefined for a text that is not JSON. */
export function tryParseJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** Whether the value is a JSON object: neither null nor an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Where the string that begins at `start` has its last quote; the end of the text where it has none. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at;
    if (code === 0x5c) at++;
  }
  return text.length;
}
