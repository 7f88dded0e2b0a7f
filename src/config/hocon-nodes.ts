// What a HOCON text says before and after its substitutions are replaced, and the fault that knows its line.
// Used by hocon.ts and the files that make it up, and by hocon-source.ts.

/** A text that is no HOCON, or that goes beyond a bound. The message never holds a value. */
export class HoconError extends Error {
  /** Counted from 1. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.name = 'HoconError';
    this.line = line;
  }
}

/** A single value. `text` is what the file says: a number of 19 digits keeps them all. */
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

/** A Map, because a key may be called `__proto__`. */
export interface HoconObject {
  readonly kind: 'object';
  readonly fields: ReadonlyMap<string, HoconValue>;
  readonly line: number;
}

export type HoconValue = HoconScalar | HoconList | HoconObject;

/** The spaces between two parts of a value, which belong to it when it turns out to be text. */
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
  readonly optional: boolean;
  readonly line: number;
}

/** Values side by side: texts, lists or objects that make one. */
export interface ConcatNode {
  readonly kind: 'concat';
  readonly parts: readonly (Node | SpaceNode)[];
  readonly line: number;
}

/** `key += item`. */
interface AppendNode {
  readonly kind: 'append';
  readonly item: Node;
  readonly line: number;
}

/** A block. A key may be defined several times; the definitions of each are in the order of the file. */
export interface ObjectNode {
  readonly kind: 'object';
  readonly fields: Map<string, Node[]>;
  readonly line: number;
}

export type Node = HoconScalar | ListNode | SubstitutionNode | ConcatNode | AppendNode | ObjectNode;
