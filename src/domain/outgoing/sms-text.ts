// Which texts can be sent as SMS, and in how many parts. Used by addressing.ts.

import { type Encoding, maxParts as maxPossibleParts } from './message.ts';

export interface SmsParts {
  readonly encoding: Encoding;
  readonly parts: number;
}

/** Counts the parts of a text in the encoding that a phone uses for it. */
export type CountParts = (text: string) => SmsParts;

/** Why a text cannot be sent; undefined when it can. */
export function textFault(text: string, parts: number, maxParts: number): string | undefined {
  if (text.trim() === '') return 'text: expected a text that is not blank';
  if (text.includes('\0')) return 'text: holds a NUL character, at which phones cut it';
  if (/\p{Surrogate}/u.test(text)) return 'text: holds half of a surrogate pair, which no encoding has';
  const most = Math.min(maxParts, maxPossibleParts);
  if (parts > most) return `text: takes ${parts} parts, and at most ${most} are sent ([outgoing] max_parts)`;
  return undefined;
}
