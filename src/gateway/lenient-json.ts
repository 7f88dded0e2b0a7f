// JSON as shell scripts send it: a PEM pasted into a string with its line breaks raw. The old server
// parsed with Python's `strict=False`; only the handshake route accepts this.

/** Escapes control characters inside string literals, so that a strict parser takes them. Leaves the rest alone. */
export function escapeRawControls(text: string): string {
  let inString = false;
  let result = '';
  let copied = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x22) inString = !inString;
    else if (code === 0x5c && inString) index++;
    else if (code < 0x20 && inString) {
      result += `${text.slice(copied, index)}\\u${code.toString(16).padStart(4, '0')}`;
      copied = index + 1;
    }
  }
  return result + text.slice(copied);
}
