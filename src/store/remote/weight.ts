// How large a value is as JSON, about, without making its text: what bounds calls, results and messages. Used by call-client.ts,
// call-server.ts and bounded-send.ts.

/**
 * About the characters of the value's JSON. Stops counting above `max`, so that a huge value costs no more than one of that
 * size.
 */
export function weightOf(value: unknown, max = Number.POSITIVE_INFINITY): number {
  if (typeof value === 'string') return value.length + 3;
  if (typeof value !== 'object' || value === null) return 8;
  let total = 2;
  if (Array.isArray(value)) {
    for (const each of value) {
      total += weightOf(each, max - total);
      if (total > max) return total;
    }
    return total;
  }
  for (const [name, member] of Object.entries(value)) {
    total += name.length + 4 + weightOf(member, max - total);
    if (total > max) return total;
  }
  return total;
}
