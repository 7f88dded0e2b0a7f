// Parses a HOCON text into a syntax tree; hocon-resolve.ts replaces the substitutions. Used by hocon.ts.

import type { ListNode, Node, ObjectNode, SpaceNode, SubstitutionNode } from './hocon-nodes.ts';
import { createScanner, type Scanner } from './hocon-scanner.ts';

/** Levels of objects, lists and dotted keys together, far below the limit of the call stack. */
const maxDepth = 64;

const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const words = new Map<string, boolean | null>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** The text as one object. Throws HoconError at the first error. */
export function parseDocument(text: string): ObjectNode {
  const scanner = createScanner(text.replace(/^\uFEFF/, ''));
  scanner.skipBlank();
  if (scanner.peek() === '[') throw scanner.error('expected key = value, not a list');
  if (scanner.peek() !== '{') return readFields(scanner, undefined, 0);
  const root = readBlock(scanner, 0);
  scanner.skipBlank();
  if (scanner.peek() !== '') throw scanner.error('unexpected text after the last }');
  return root;
}

function readBlock(scanner: Scanner, depth: number): ObjectNode {
  checkDepth(scanner, depth);
  const line = scanner.line();
  scanner.advance(1);
  return readFields(scanner, line, depth);
}

/** Reads the fields up to the `}` of the object that starts on line `opened`, or up to the end of the text. */
function readFields(scanner: Scanner, opened: number | undefined, depth: number): ObjectNode {
  const block: ObjectNode = { kind: 'object', fields: new Map(), line: opened ?? 1 };
  scanner.skipBlank();
  while (!atClosingBracket(scanner, '}', opened)) {
    const line = scanner.line();
    const path = readPath(scanner, true);
    checkDepth(scanner, depth + path.length);
    if (scanner.startsWith('+=')) {
      throw scanner.error('+= is not supported: write the whole list with key = [ … ]');
    }
    if (scanner.peek() === '=' || scanner.peek() === ':') scanner.advance(1);
    else if (scanner.peek() !== '{') throw scanner.error('expected = or : or { after the key');
    scanner.skipBlank();
    const value = readValue(scanner, depth + path.length);
    define(block, path, { ...value, line });
    readSeparator(scanner, '}');
  }
  return block;
}

function readList(scanner: Scanner, depth: number): ListNode {
  checkDepth(scanner, depth);
  const line = scanner.line();
  const items: Node[] = [];
  scanner.advance(1);
  scanner.skipBlank();
  while (!atClosingBracket(scanner, ']', line)) {
    items.push(readValue(scanner, depth));
    readSeparator(scanner, ']');
  }
  return { kind: 'list', items, line };
}

/** Whether the object or list ends here; consumes the bracket. */
function atClosingBracket(scanner: Scanner, bracket: '}' | ']', opened: number | undefined): boolean {
  const next = scanner.peek();
  if (next === '' && opened === undefined) return true;
  if (next === '') throw scanner.error(`the ${bracket} for line ${opened} is missing`);
  if (next === bracket && opened !== undefined) {
    scanner.advance(1);
    return true;
  }
  if (next === '}' || next === ']') throw scanner.error(`a ${next} without its opening bracket`);
  if (next === ',') throw scanner.error('a comma with nothing before it');
  return false;
}

/** Two fields or items need a newline or a comma between them, or both. */
function readSeparator(scanner: Scanner, bracket: '}' | ']'): void {
  const newLine = scanner.skipBlank();
  if (scanner.peek() === ',') {
    scanner.advance(1);
    scanner.skipBlank();
  } else if (!newLine && scanner.peek() !== bracket && scanner.peek() !== '') {
    throw scanner.error(`"${scanner.peek()}" must be in double quotes to be part of a value`);
  }
}

/** The path of a key or substitution, such as `a.b."c.d"`. Spaces within a part are preserved. */
function readPath(scanner: Scanner, isKey: boolean): string[] {
  const path: string[] = [];
  let part = '';
  let known = false;
  const finish = (): void => {
    if (!known) throw scanner.error(isKey ? 'expected a key' : 'expected a key in the substitution');
    path.push(part);
    part = '';
    known = false;
  };
  let first = true;
  for (let spaces = ''; ; spaces = scanner.readSpaces()) {
    if (scanner.peek() === '"') {
      part += spaces + scanner.readQuoted();
      known = true;
    } else {
      const run = scanner.readUnquoted();
      if (run === '') break;
      if (isKey && first && run === 'include') {
        throw scanner.error('include is not supported: insert the content of that file here');
      }
      const [head = '', ...rest] = run.split('.');
      part += spaces + head;
      known ||= head !== '';
      for (const next of rest) {
        finish();
        part = next;
        known = next !== '';
      }
    }
    first = false;
  }
  finish();
  return path;
}

function readValue(scanner: Scanner, depth: number): Node {
  const line = scanner.line();
  const parts: (Node | SpaceNode)[] = [];
  for (;;) {
    const spaces = scanner.readSpaces();
    const part = readPart(scanner, depth);
    if (!part) break;
    if (spaces !== '' && parts.length > 0) parts.push({ kind: 'space', text: spaces, line });
    parts.push(part);
  }
  const [only] = parts;
  if (!only || only.kind === 'space') throw scanner.error('expected a value');
  if (parts.length === 1) return only;
  return joinText(parts, line) ?? { kind: 'concat', parts, line };
}

function joinText(parts: readonly (Node | SpaceNode)[], line: number): Node | undefined {
  let text = '';
  for (const part of parts) {
    if (part.kind !== 'scalar' && part.kind !== 'space') return undefined;
    text += part.text;
  }
  return { kind: 'scalar', value: text, text, line };
}

/** Undefined at the end of the value. */
function readPart(scanner: Scanner, depth: number): Node | undefined {
  const line = scanner.line();
  const next = scanner.peek();
  if (scanner.atLineEnd()) return undefined;
  if (next === '{') return readBlock(scanner, depth + 1);
  if (next === '[') return readList(scanner, depth + 1);
  if (next === '"') {
    const text = scanner.readQuoted();
    return { kind: 'scalar', value: text, text, line };
  }
  if (scanner.startsWith('${')) return readSubstitution(scanner);
  const text = scanner.readUnquoted();
  if (text === '') return undefined;
  const word = words.get(text);
  const value = word !== undefined ? word : jsonNumber.test(text) ? Number(text) : text;
  return { kind: 'scalar', value, text, line };
}

function readSubstitution(scanner: Scanner): SubstitutionNode {
  const line = scanner.line();
  scanner.advance(2);
  const optional = scanner.peek() === '?';
  if (optional) scanner.advance(1);
  scanner.readSpaces();
  const path = readPath(scanner, false);
  checkDepth(scanner, path.length);
  if (scanner.peek() !== '}') throw scanner.error('the substitution is not closed by a }');
  scanner.advance(1);
  return { kind: 'substitution', path, optional, line };
}

function define(block: ObjectNode, path: readonly string[], node: Node): void {
  const [key = '', ...rest] = path;
  const definitions = block.fields.get(key) ?? [];
  block.fields.set(key, definitions);
  const last = definitions.at(-1);
  if (rest.length > 0) {
    const inner: ObjectNode =
      last?.kind === 'object' ? last : { kind: 'object', fields: new Map(), line: node.line };
    if (inner !== last) definitions.push(inner);
    define(inner, rest, node);
  } else if (last?.kind === 'object' && node.kind === 'object') {
    for (const [name, more] of node.fields) {
      for (const definition of more) define(last, [name], definition);
    }
  } else {
    definitions.push(node);
  }
}

function checkDepth(scanner: Scanner, depth: number): void {
  if (depth > maxDepth) throw scanner.error(`nested more than ${maxDepth} deep`);
}
