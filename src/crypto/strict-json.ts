// Rejects JSON that JSON.parse accepts and a signed token must not have: duplicate members (parsers differ on which one
// counts), names that reach prototypes, deep nesting. Used by jwt-format.ts, by the
// disconnect service, and for tags of publications.

const maxDepth = 32;
const forbiddenNames = new Set(['__proto__', 'constructor']);

/** The first error in a text that JSON.parse has accepted; undefined when there is none. */
export function findMemberError(json: string): string | undefined {
  for (const { depth, name, isRepeated } of walkMembers(json)) {
    if (depth > maxDepth) return `is nested deeper than ${maxDepth} levels`;
    if (name === undefined) continue;
    if (forbiddenNames.has(name)) return `has a member ${name}`;
    if (isRepeated) return `has the member ${JSON.stringify(name.slice(0, 40))} twice`;
  }
  return undefined;
}

/** Whether an object in a text that JSON.parse has accepted has two members of this name, in any spelling of JSON. */
export function repeatsMember(json: string, name: string): boolean {
  for (const found of walkMembers(json)) if (found.isRepeated && found.name === name) return true;
  return false;
}

/**
 * The digits of whole numbers that a double cannot represent exactly, by the name of the member of the outermost object
 * whose value they are, in a text that JSON.parse has accepted. Fractions, exponents and signs are left out.
 */
export function largeIntegers(json: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  // Most texts have no such number: long ids are strings.
  if (!/[:\s]\d{16}/.test(json)) return found;
  for (const { depth, name, valueAt } of walkMembers(json)) {
    if (depth !== 1 || name === undefined || valueAt === undefined) continue;
    const digits = /^[ \n\r\t]*(\d+)(?![\d.eE])/.exec(json.slice(valueAt))?.[1];
    if (digits !== undefined && !Number.isSafeInteger(Number(digits))) found[name] = digits;
  }
  return found;
}

interface Step {
  /** Objects and arrays inside each other. */
  readonly depth: number;
  /** The name of a member; undefined where an object or array begins. */
  readonly name?: string;
  readonly isRepeated: boolean;
  /** Index of the value of a member, or of white space before it. */
  readonly valueAt?: number;
}

function* walkMembers(json: string): Generator<Step> {
  /** For each open object the names so far, for each open array undefined. */
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : undefined);
      yield { depth: open.length, isRepeated: false };
    } else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const start = at;
      at = endOfString(json, start);
      const colon = colonAfter(json, at);
      if (colon === undefined) continue;
      const name = decoded(json.slice(start, at + 1));
      const names = open.at(-1);
      yield { depth: open.length, name, isRepeated: names?.has(name) ?? false, valueAt: colon + 1 };
      names?.add(name);
    }
  }
}

/** The index of the closing quote of the string that begins at `start`. */
function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at;
}

/** The index of the colon after a string; undefined when there is none. In valid JSON only a member's name has one. */
function colonAfter(json: string, end: number): number | undefined {
  let at = end + 1;
  while (json[at] === ' ' || json[at] === '\n' || json[at] === '\r' || json[at] === '\t') at++;
  return json[at] === ':' ? at : undefined;
}

/** Unescaped, because \u0061lg is the same name as alg. */
function decoded(quoted: string): string {
  return quoted.includes('\\') ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
}
