// Replaces the substitutions of a HOCON text and merges repeated definitions. Used by hocon.ts.

import type {
  ConcatNode,
  HoconList,
  HoconObject,
  HoconValue,
  Node,
  ObjectNode,
  SpaceNode,
  SubstitutionNode,
} from './hocon-nodes.ts';
import { HoconError } from './hocon-nodes.ts';

/** Resolved values plus concatenated characters; bounds exponential growth by nested `a = ${b}${b}`. */
const maxWork = 4_000_000;
/** Nested substitutions and objects that are being resolved. */
const maxWaiting = 500;

type Environment = Readonly<Record<string, string | undefined>>;
type Resolved = HoconValue | undefined;

/** Resolves all values. Substitutions are looked up in `root`, then in `env`. Throws HoconError. */
export function resolveDocument(root: ObjectNode, env: Environment): HoconObject {
  // The definitions that are being resolved; reaching one of them again is a self-reference.
  const active = new Set<Node>();
  const derived = new Map<SubstitutionNode, Map<string, SubstitutionNode>>();
  let work = 0;

  const spend = (amount: number, line: number): void => {
    work += amount;
    if (work > maxWork) throw new HoconError(line, 'the substitutions expand to more than the allowed size');
  };

  /** The value of a key: its last definition, merged with the previous ones if they are objects. */
  function resultOf(definitions: readonly Node[]): Resolved {
    spend(definitions.length, definitions[0]?.line ?? root.line);
    let merged: HoconObject | undefined;
    for (let index = definitions.length - 1; index >= 0; index--) {
      const definition = definitions[index];
      const value = definition && evaluate(definition);
      if (!value) continue;
      if (value.kind !== 'object') return merged ?? value;
      merged = merged ? merge(value, merged) : value;
    }
    return merged;
  }

  function evaluate(node: Node): Resolved {
    spend(1, node.line);
    if (node.kind === 'scalar') return node;
    if (active.has(node)) throw selfReference(node);
    if (active.size >= maxWaiting) throw new HoconError(node.line, 'the substitutions are nested too deeply');
    active.add(node);
    try {
      switch (node.kind) {
        case 'substitution':
          return substitute(node);
        case 'concat':
          return concatenate(node);
        case 'list':
          return {
            kind: 'list',
            items: node.items.flatMap((item) => resultOf([item]) ?? []),
            line: node.line,
          };
        case 'object':
          return objectOf(node);
      }
    } finally {
      active.delete(node);
    }
  }

  function joined(line: number, items: readonly HoconValue[]): HoconList {
    spend(items.length, line);
    return { kind: 'list', items, line };
  }

  function objectOf(node: ObjectNode): HoconObject {
    const fields = new Map<string, HoconValue>();
    for (const [key, definitions] of node.fields) {
      const value = resultOf(definitions);
      if (value) fields.set(key, value);
    }
    return { kind: 'object', fields, line: node.line };
  }

  function substitute(node: SubstitutionNode): Resolved {
    const inBlock = node.block.length > 0 ? lookUp([...node.block, ...node.path]) : undefined;
    const value = inBlock ?? lookUp(node.path);
    if (value) return { ...value, line: node.line };
    const name = node.path.join('.');
    const variable = Object.hasOwn(env, name) ? env[name] : undefined;
    if (variable !== undefined) return { kind: 'scalar', value: variable, text: variable, line: node.line };
    if (node.optional) return undefined;
    throw new HoconError(node.line, `\${${name}} is defined neither in this file nor in the environment`);
  }

  function lookUp(path: readonly string[]): Resolved {
    let definitions: Node[] = [root];
    for (const key of path) definitions = childrenOf(definitions, key);
    return resultOf(definitions);
  }

  /** The definitions of a key inside the values of `definitions`, in order. */
  function childrenOf(definitions: readonly Node[], key: string): Node[] {
    let children: Node[] = [];
    for (const node of definitions) {
      spend(1 + children.length, node.line);
      if (node.kind === 'object') children = children.concat(node.fields.get(key) ?? []);
      else if (active.has(node)) throw selfReference(node);
      else if (node.kind === 'substitution') children.push(childOf(node, key));
      else if (node.kind === 'concat' && node.parts.every(mayBeObject)) {
        children = children.concat(childrenOf(node.parts.filter(isNode), key));
      } else children = [];
    }
    return children;
  }

  /** The key `b` of `${a}` is `${?a.b}`; cached, so that a self-reference is detected by its node. */
  function childOf(node: SubstitutionNode, key: string): SubstitutionNode {
    const children = derived.get(node) ?? new Map<string, SubstitutionNode>();
    derived.set(node, children);
    const child = children.get(key) ?? { ...node, path: [...node.path, key], optional: true };
    children.set(key, child);
    return child;
  }

  function concatenate(node: ConcatNode): Resolved {
    const values = node.parts.flatMap((part): (HoconValue | SpaceNode)[] =>
      part.kind === 'space' ? [part] : [resultOf([part]) ?? []].flat(),
    );
    const solid = values.filter(isValue);
    if (solid.every((value) => value.kind === 'object')) {
      return solid.reduce<HoconObject | undefined>((all, one) => (all ? merge(all, one) : one), undefined);
    }
    if (solid.every((value) => value.kind === 'list')) {
      return joined(
        node.line,
        solid.flatMap(({ items }) => items),
      );
    }
    let text = '';
    for (const value of values) {
      if (value.kind === 'object' || value.kind === 'list') {
        throw new HoconError(node.line, 'text, a list and a block cannot be concatenated');
      }
      text += value.text;
    }
    spend(text.length, node.line);
    return { kind: 'scalar', value: text, text, line: node.line };
  }

  function merge(base: HoconObject, over: HoconObject): HoconObject {
    spend(base.fields.size + over.fields.size, over.line);
    const fields = new Map(base.fields);
    for (const [key, value] of over.fields) {
      const below = fields.get(key);
      fields.set(key, below?.kind === 'object' && value.kind === 'object' ? merge(below, value) : value);
    }
    return { kind: 'object', fields, line: over.line };
  }

  return objectOf(root);
}

function selfReference({ line }: Node): HoconError {
  return new HoconError(line, 'the value refers to itself, which is not supported: write out the value here');
}

function isNode(part: Node | SpaceNode): part is Node {
  return part.kind !== 'space';
}

function isValue(value: HoconValue | SpaceNode): value is HoconValue {
  return value.kind !== 'space';
}

function mayBeObject(part: Node | SpaceNode): boolean {
  return part.kind === 'object' || part.kind === 'substitution' || part.kind === 'space';
}
