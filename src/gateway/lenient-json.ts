// Accepts JSON with control characters in strings: shell scripts paste a PEM with its line breaks, which the old server parsed
// with Python's `strict=False`. Used by the handshake route and inbound-body.ts.

/** Escapes the control characters in string literals for a strict parser. Everything else stays the same. */
export function escapeControlCharacters(text: string): string {
  let inString = false;
  let result = '';
  let copiedTo = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x22) inString = !inString;
    else if (code === 0x5c && inString) index++;
    else if (code < 0x20 && inString) {
      result += `${text.slice(copiedTo, index)}\\u${code.toString(16).padStart(4, '0')}`;
      copiedTo = index + 1;
    }
  }
  return result + text.slice(copiedTo);
}
