// Makes text from outside harmless on a terminal. Used by the printer and by log lines.

const esc = '\\u001b';
const sequences = new RegExp(
  [
    `(?:${esc}\\[|\\u009b)[0-?]*[ -/]*[@-~]`, // CSI: colours, cursor
    `(?:${esc}[\\]PX^_]|[\\u0090\\u0098\\u009d-\\u009f])[^\\p{Cc}]*(?:\\u0007|${esc}\\\\|\\u009c)`, // OSC, DCS: titles, clipboard
    `${esc}[ -/]*[0-~]`, // the short ones: reset, character set
  ].join('|'),
  'gu',
);

/** The text on one line without terminal escapes, control characters and characters that turn the direction. */
export function printable(text: string): string {
  return text
    .replace(sequences, '')
    .replace(/[\t\n\v\f\r\u0085\u2028\u2029]+/g, ' ')
    .replace(/\p{Cc}|\p{Bidi_Control}|\p{Surrogate}/gu, '');
}
