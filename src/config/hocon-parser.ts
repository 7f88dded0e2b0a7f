// Parses a HOCON text into a syntax tree; hocon-resolve.ts replaces the substitutions. Used by hocon.ts.

import { atInclude, type Include, readInclude } from './hocon-include.ts';
import type { ListNode, Node, ObjectNode, SpaceNode, SubstitutionNode } from './hocon-nodes.ts';
import { readPath } from './hocon-path.ts';
import { createScanner, type Scanner } from './hocon-scanner.ts';

/** Levels of objects, lists and dotted keys together, far below the limit of the call stack. */
const maxDepth = 64;

const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const words = new Map<string, boolean | null>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** One file: its text, the includes in it, and the block that it is included in. */
interface Source {
  readonly scanner: Scanner;
  readonly include: Include;
  readonly block: readonly string[];
}

/** Where a value is: its depth, and the keys that lead to it; a list has no keys. */
interface Place {
  readonly depth: number;
  readonly path: readonly string[] | undefined;
}

/** The text as one object, with the files that it includes. Throws HoconError at the first error. */
export function parseDocument(text: string, include: Include): ObjectNode {
  return parseFile(text, 0, include, { depth: 0, path: [] });
}

function parseFile(
  text: string,
  linesBefore: number,
  include: Include,
  place: Place & { readonly path: readonly string[] },
): ObjectNode {
  const scanner = createScanner(text.replace(/^\uFEFF/, ''), linesBefore);
  const source: Source = { scanner, include, block: place.path };
  scanner.skipBlank();
  if (scanner.peek() === '[') throw scanner.error('expected key = value, not a list');
  if (scanner.peek() !== '{') return readFields(source, undefined, place);
  const root = readBlock(source, place);
  scanner.skipBlank();
  if (scanner.peek() !== '') throw scanner.error('unexpected text after the last }');
  return root;
}

function readBlock(source: Source, place: Place): ObjectNode {
  const { scanner } = source;
  checkDepth(scanner, place.depth);
  const line = scanner.line();
  scanner.advance(1);
  return readFields(source, line, place);
}

/** Reads the fields up to the `}` of the object that starts on line `opened`, or up to the end of the text. */
function readFields(source: Source, opened: number | undefined, place: Place): ObjectNode {
  const { scanner } = source;
  const block: ObjectNode = { kind: 'object', fields: new Map(), line: opened ?? scanner.line() };
  scanner.skipBlank();
  while (!atClosingBracket(scanner, '}', opened)) {
    if (atInclude(scanner)) {
      for (const included of readIncluded(source, place)) mergeInto(block, included);
      readSeparator(scanner, '}');
      continue;
    }
    const line = scanner.line();
    const path = readPath(scanner, true);
    checkDepth(scanner, place.depth + path.length);
    const inner: Place = { depth: place.depth + path.length, path: place.path && [...place.path, ...path] };
    if (scanner.startsWith('+=')) {
      throw scanner.error('+= is not supported: write the whole list with key = [ … ]');
    }
    if (scanner.peek() === '=' || scanner.peek() === ':') scanner.advance(1);
    else if (scanner.peek() !== '{') throw scanner.error('expected = or : or { after the key');
    scanner.skipBlank();
    const value = readValue(source, inner);
    define(block, path, { ...value, line });
    readSeparator(scanner, '}');
  }
  return block;
}

function readIncluded({ scanner, include }: Source, { depth, path }: Place): ObjectNode[] {
  const statement = readInclude(scanner);
  if (!path)
    throw statement.fail('include within a list is not supported: insert the content of that file here');
  return include(statement, (text, linesBefore) => parseFile(text, linesBefore, include, { depth, path }));
}

function readList(source: Source, { depth }: Place): ListNode {
  const { scanner } = source;
  checkDepth(scanner, depth);
  const line = scanner.line();
  const items: Node[] = [];
  scanner.advance(1);
  scanner.skipBlank();
  while (!atClosingBracket(scanner, ']', line)) {
    items.push(readValue(source, { depth, path: undefined }));
    readSeparator(scanner, ']');
  }
  return { kind: 'list', items, line };
}

/** Whether the object or list ends here; consumes the bracket. */
function atClosingBracket(scanner: Scanner, bracket: '}' | ']', opened: number | undefined): boolean {
  const next = scanner.peek();
  if (next === '' && opened === undefined) return true;
  if (next === '')
    throw scanner.error(`the ${bracket} for line ${scanner.lineInFile(opened ?? 1)} is missing`);
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

function readValue(source: Source, place: Place): Node {
  const { scanner } = source;
  const line = scanner.line();
  const parts: (Node | SpaceNode)[] = [];
  for (;;) {
    const spaces = scanner.readSpaces();
    const part = readPart(source, place);
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
function readPart(source: Source, { depth, path }: Place): Node | undefined {
  const { scanner } = source;
  const line = scanner.line();
  const next = scanner.peek();
  if (scanner.atLineEnd()) return undefined;
  if (next === '{') return readBlock(source, { depth: depth + 1, path });
  if (next === '[') return readList(source, { depth: depth + 1, path: undefined });
  if (next === '"') {
    const text = scanner.readQuoted();
    return { kind: 'scalar', value: text, text, line };
  }
  if (scanner.startsWith('${')) return readSubstitution(source);
  const text = scanner.readUnquoted();
  if (text === '') return undefined;
  const word = words.get(text);
  const value = word !== undefined ? word : jsonNumber.test(text) ? Number(text) : text;
  return { kind: 'scalar', value, text, line };
}

function readSubstitution({ scanner, block }: Source): SubstitutionNode {
  const line = scanner.line();
  scanner.advance(2);
  const optional = scanner.peek() === '?';
  if (optional) scanner.advance(1);
  scanner.readSpaces();
  const path = readPath(scanner, false);
  checkDepth(scanner, path.length);
  if (scanner.peek() !== '}') throw scanner.error('the substitution is not closed by a }');
  scanner.advance(1);
  return { kind: 'substitution', path, block, optional, line };
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
    mergeInto(last, node);
  } else {
    definitions.push(node);
  }
}

function mergeInto(block: ObjectNode, { fields }: ObjectNode): void {
  for (const [name, definitions] of fields) {
    for (const definition of definitions) define(block, [name], definition);
  }
}

function checkDepth(scanner: Scanner, depth: number): void {
  if (depth > maxDepth) throw scanner.error(`nested more than ${maxDepth} deep`);
}
