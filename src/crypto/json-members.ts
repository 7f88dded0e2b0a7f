// What JSON.parse lets through and a signed token must not have: two members of one name (readers differ on
// which counts), names that touch prototypes, deep nesting. Used by jwt-format.ts.

const maxDepth = 32;
const forbiddenNames = new Set(['__proto__', 'constructor']);

/** What is wrong with the members of a text that JSON.parse has accepted; undefined when nothing is. */
export function memberFault(json: string): string | undefined {
  /** One for each object and array that is open: the names so far, or undefined for an array. */
  const open: (Set<string> | undefined)[] = [];
  // In valid JSON a string is a name exactly when a colon follows.
  for (const [lexeme] of json.matchAll(/"(?:[^"\\]|\\.)*"\s*:?|[{}[\]]/g)) {
    if (lexeme === '{' || lexeme === '[') {
      open.push(lexeme === '{' ? new Set() : undefined);
      if (open.length > maxDepth) return `is nested deeper than ${maxDepth} levels`;
    } else if (lexeme === '}' || lexeme === ']') open.pop();
    else if (lexeme.endsWith(':')) {
      // Decoded, because \u0061lg is the same name as alg.
      const name = String(JSON.parse(lexeme.slice(0, -1)));
      if (forbiddenNames.has(name)) return `has a member ${name}`;
      const names = open.at(-1);
      if (names?.has(name)) return `has the member ${JSON.stringify(name.slice(0, 40))} twice`;
      names?.add(name);
    }
  }
  return undefined;
}
