// JSON whose numbers keep all of their digits, which JSON.parse rounds. Used by exchange.ts, recorder.ts and replay.ts.

import { isObject, tryParseJson } from '../../lib/json.ts';

/** In front of the digits of a number that the value has as a text. */
const mark = '\u0000number:';
const number = /-?\d[\d.eE+-]*/;
const stringOrNumber = new RegExp(`"(?:[^"\\\\]|\\\\.)*"|${number.source}`, 'gs');
const markedNumber = new RegExp(`"\\\\u0000number:(${number.source})"`, 'g');

/** The object or list, with a marked text in place of each number that would be rounded; undefined for any other text. */
export function parseExactJson(text: string): Record<string, unknown> | unknown[] | undefined {
  // The text as it is, too, because some that is no JSON would become it, such as `{1: 2}` by a text for the 1.
  if (!isContainer(tryParseJson(text))) return undefined;
  const value = tryParseJson(
    text.replace(stringOrNumber, (token) =>
      token.startsWith('"') || keepsDigits(token) ? token : JSON.stringify(`${mark}${token}`),
    ),
  );
  return isContainer(value) ? value : undefined;
}

/** The JSON of a value of `parseExactJson`, or of one that contains some. */
export function stringifyExactJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(markedNumber, '$1');
}

function isContainer(value: unknown): value is Record<string, unknown> | unknown[] {
  return isObject(value) || Array.isArray(value);
}

function keepsDigits(token: string): boolean {
  const value = Number(token);
  const [digits = ''] = token.replace(/[-.]/g, '').split(/e/i);
  // Numbers of up to 15 digits are never rounded.
  return Number.isFinite(value) && (digits.length <= 15 || String(value) === token);
}
