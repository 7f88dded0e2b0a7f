// The syntax tree and the resolved values of a HOCON text, and the error with a line number.
// Used by hocon.ts and the files that make it up, and by hocon-source.ts.

/** The text is not valid HOCON or exceeds a bound. The message never quotes a value, which may be a secret. */
export class HoconError extends Error {
  /** Starts at 1. Counts on through included files; `HoconFiles.locate` has the file. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.name = 'HoconError';
    this.line = line;
  }
}

/** A single value. `text` is its source text, in which a number keeps all of its 19 digits. */
export interface HoconScalar {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  readonly text: string;
  readonly line: number;
}

export interface HoconList {
  readonly kind: 'list';
  readonly items: readonly HoconValue[];
  readonly line: number;
}

/** A Map, because `__proto__` is a valid key. */
export interface HoconObject {
  readonly kind: 'object';
  readonly fields: ReadonlyMap<string, HoconValue>;
  readonly line: number;
}

export type HoconValue = HoconScalar | HoconList | HoconObject;

/** White space between two parts of a value, which is preserved if the value is a text. */
export interface SpaceNode {
  readonly kind: 'space';
  readonly text: string;
  readonly line: number;
}

export interface ListNode {
  readonly kind: 'list';
  readonly items: readonly Node[];
  readonly line: number;
}

/** `${path}`, or `${?path}` when optional. */
export interface SubstitutionNode {
  readonly kind: 'substitution';
  readonly path: readonly string[];
  /** The block that includes this file, in which `path` is looked up first; empty in the first file. */
  readonly block: readonly string[];
  readonly optional: boolean;
  readonly line: number;
}

/** A concatenation of texts, lists or objects. */
export interface ConcatNode {
  readonly kind: 'concat';
  readonly parts: readonly (Node | SpaceNode)[];
  readonly line: number;
}

/** An object. Each key has its definitions in the order of the file. */
export interface ObjectNode {
  readonly kind: 'object';
  readonly fields: Map<string, Node[]>;
  readonly line: number;
}

export type Node = HoconScalar | ListNode | SubstitutionNode | ConcatNode | ObjectNode;
