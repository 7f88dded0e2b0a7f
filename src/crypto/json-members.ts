// What JSON.parse lets through and a signed token must not have: two members of one name (readers differ on
// which counts), names that touch prototypes, deep nesting. Used by jwt-format.ts.

const maxDepth = 32;
const forbiddenNames = new Set(['__proto__', 'constructor']);

/** What is wrong with the members of a text that JSON.parse has accepted; undefined when nothing is. */
export function memberFault(json: string): string | undefined {
  /** One for each object and array that is open: the names so far, or undefined for an array. */
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : undefined);
      if (open.length > maxDepth) return `is nested deeper than ${maxDepth} levels`;
    } else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const start = at;
      at = endOfString(json, start);
      if (!isName(json, at)) continue;
      const name = decoded(json.slice(start, at + 1));
      if (forbiddenNames.has(name)) return `has a member ${name}`;
      const names = open.at(-1);
      if (names?.has(name)) return `has the member ${JSON.stringify(name.slice(0, 40))} twice`;
      names?.add(name);
    }
  }
  return undefined;
}

/** Where the string that begins at `start` has its last quote. */
function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at;
}

/** In valid JSON a string is a name exactly when a colon follows. */
function isName(json: string, end: number): boolean {
  let at = end + 1;
  while (json[at] === ' ' || json[at] === '\n' || json[at] === '\r' || json[at] === '\t') at++;
  return json[at] === ':';
}

/** Decoded, because \u0061lg is the same name as alg. */
function decoded(quoted: string): string {
  return quoted.includes('\\') ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
}
