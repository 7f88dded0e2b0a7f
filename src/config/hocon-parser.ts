// Reads a HOCON text into nodes; substitutions stay as they are. Used by hocon.ts.

import type { ListNode, Node, ObjectNode, SpaceNode, SubstitutionNode } from './hocon-nodes.ts';
import { createScanner, type Scanner } from './hocon-scanner.ts';

/** Blocks, lists and dotted keys together; no configuration comes near it, and the stack holds far more. */
const maxDepth = 64;

const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const words = new Map<string, boolean | null>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** The text as one block. Throws HoconError at the first fault. */
export function parseDocument(text: string): ObjectNode {
  const scanner = createScanner(text.replace(/^\uFEFF/, ''));
  scanner.gap();
  if (scanner.peek() === '[') throw scanner.fault('expected key = value, not a list');
  if (scanner.peek() !== '{') return readFields(scanner, undefined, 0);
  const root = readBlock(scanner, 0);
  scanner.gap();
  if (scanner.peek() !== '') throw scanner.fault('nothing may stand after the last }');
  return root;
}

function readBlock(scanner: Scanner, depth: number): ObjectNode {
  checkDepth(scanner, depth);
  const line = scanner.line();
  scanner.advance(1);
  return readFields(scanner, line, depth);
}

/** The fields up to the `}` of the block that opened on line `opened`, or up to the end of the text. */
function readFields(scanner: Scanner, opened: number | undefined, depth: number): ObjectNode {
  const block: ObjectNode = { kind: 'object', fields: new Map(), line: opened ?? 1 };
  scanner.gap();
  while (!closes(scanner, '}', opened)) {
    const line = scanner.line();
    const path = readPath(scanner, true);
    checkDepth(scanner, depth + path.length);
    const append = scanner.startsWith('+=');
    if (append) scanner.advance(2);
    else if (scanner.peek() === '=' || scanner.peek() === ':') scanner.advance(1);
    else if (scanner.peek() !== '{') throw scanner.fault('expected = or : or { after the key');
    scanner.gap();
    const value = readValue(scanner, depth + path.length);
    define(block, path, append ? { kind: 'append', item: value, line } : { ...value, line });
    readSeparator(scanner, '}');
  }
  return block;
}

function readList(scanner: Scanner, depth: number): ListNode {
  checkDepth(scanner, depth);
  const line = scanner.line();
  const items: Node[] = [];
  scanner.advance(1);
  scanner.gap();
  while (!closes(scanner, ']', line)) {
    items.push(readValue(scanner, depth));
    readSeparator(scanner, ']');
  }
  return { kind: 'list', items, line };
}

/** Whether the block or list ends here; the bracket is passed. */
function closes(scanner: Scanner, bracket: '}' | ']', opened: number | undefined): boolean {
  const next = scanner.peek();
  if (next === '' && opened === undefined) return true;
  if (next === '') throw scanner.fault(`the ${bracket} for line ${opened} is missing`);
  if (next === bracket && opened !== undefined) {
    scanner.advance(1);
    return true;
  }
  if (next === '}' || next === ']') throw scanner.fault(`a ${next} with nothing to close`);
  if (next === ',') throw scanner.fault('a comma with nothing before it');
  return false;
}

/** A line end or a comma has to stand between two fields or items; both may. */
function readSeparator(scanner: Scanner, bracket: '}' | ']'): void {
  const newLine = scanner.gap();
  if (scanner.peek() === ',') {
    scanner.advance(1);
    scanner.gap();
  } else if (!newLine && scanner.peek() !== bracket && scanner.peek() !== '') {
    throw scanner.fault(`"${scanner.peek()}" has to stand in double quotes to be part of a value`);
  }
}

/** The parts of a key or of what stands in `${}`: `a.b."c.d"`. Spaces within a part belong to it. */
function readPath(scanner: Scanner, isKey: boolean): string[] {
  const path: string[] = [];
  let part = '';
  let known = false;
  const finish = (): void => {
    if (!known) throw scanner.fault(isKey ? 'expected a key' : 'expected a key in the substitution');
    path.push(part);
    part = '';
    known = false;
  };
  let first = true;
  for (let spaces = ''; ; spaces = scanner.spaces()) {
    if (scanner.peek() === '"') {
      part += spaces + scanner.quoted();
      known = true;
    } else {
      const run = scanner.unquoted();
      if (run === '') break;
      if (isKey && first && run === 'include') {
        throw scanner.fault('include is not supported: put the lines of that file here');
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
    const spaces = scanner.spaces();
    const part = readPart(scanner, depth);
    if (!part) break;
    if (spaces !== '' && parts.length > 0) parts.push({ kind: 'space', text: spaces, line });
    parts.push(part);
  }
  const [only] = parts;
  if (!only || only.kind === 'space') throw scanner.fault('expected a value');
  if (parts.length === 1) return only;
  return joinedText(parts, line) ?? { kind: 'concat', parts, line };
}

function joinedText(parts: readonly (Node | SpaceNode)[], line: number): Node | undefined {
  let text = '';
  for (const part of parts) {
    if (part.kind !== 'scalar' && part.kind !== 'space') return undefined;
    text += part.text;
  }
  return { kind: 'scalar', value: text, text, line };
}

/** Undefined where the value ends. */
function readPart(scanner: Scanner, depth: number): Node | undefined {
  const line = scanner.line();
  const next = scanner.peek();
  if (scanner.atLineEnd()) return undefined;
  if (next === '{') return readBlock(scanner, depth + 1);
  if (next === '[') return readList(scanner, depth + 1);
  if (next === '"') {
    const text = scanner.quoted();
    return { kind: 'scalar', value: text, text, line };
  }
  if (scanner.startsWith('${')) return readSubstitution(scanner);
  const text = scanner.unquoted();
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
  scanner.spaces();
  const path = readPath(scanner, false);
  checkDepth(scanner, path.length);
  if (scanner.peek() !== '}') throw scanner.fault('the substitution is not closed by a }');
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
  if (depth > maxDepth) throw scanner.fault(`nested more than ${maxDepth} deep`);
}
