// Replaces the substitutions of a HOCON text and merges what is defined several times. Used by hocon.ts.

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

/** Values looked at plus characters joined; keeps "a = ${b}${b}" twenty times over from filling the memory. */
const maxWork = 4_000_000;
/** Substitutions and blocks that wait for each other. */
const maxWaiting = 500;

type Environment = Readonly<Record<string, string | undefined>>;
type Resolved = HoconValue | undefined;

/** Every value of the block. A substitution is looked up in `root`, then in `env`. Throws HoconError. */
export function resolveDocument(root: ObjectNode, env: Environment): HoconObject {
  // A definition that is being worked out: a substitution that leads back to it means what stood before it.
  const active = new Set<Node>();
  const derived = new Map<SubstitutionNode, Map<string, SubstitutionNode>>();
  let work = 0;

  const spend = (amount: number, line: number): void => {
    work += amount;
    if (work > maxWork) throw new HoconError(line, 'the substitutions make more than a configuration can be');
  };

  /** The value of one key: of its definitions the last counts; objects are merged into those before. */
  function resultOf(definitions: readonly Node[]): Resolved {
    spend(definitions.length, definitions[0]?.line ?? root.line);
    const cut = definitions.findIndex((definition) => active.has(definition));
    let merged: HoconObject | undefined;
    for (let index = (cut < 0 ? definitions.length : cut) - 1; index >= 0; index--) {
      const definition = definitions[index];
      const value = definition && evaluate(definition, () => resultOf(definitions.slice(0, index)));
      if (!value) continue;
      if (value.kind !== 'object') return merged ?? value;
      merged = merged ? merge(value, merged) : value;
    }
    return merged;
  }

  function evaluate(node: Node, before: () => Resolved): Resolved {
    spend(1, node.line);
    if (node.kind === 'scalar') return node;
    if (active.size >= maxWaiting) throw new HoconError(node.line, 'the substitutions lead too deep');
    active.add(node);
    try {
      switch (node.kind) {
        case 'substitution':
          return substitute(node);
        case 'concat':
          return concatenate(node);
        case 'append':
          return appended(
            node.line,
            before(),
            evaluate(node.item, () => undefined),
          );
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

  function appended(line: number, list: Resolved, item: Resolved): HoconList {
    if (list && list.kind !== 'list') throw new HoconError(line, '+= needs a list to add to');
    return joined(line, [...(list?.items ?? []), ...(item ? [item] : [])]);
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
    let definitions: Node[] = [root];
    for (const key of node.path) definitions = childrenOf(definitions, key);
    const value = resultOf(definitions);
    if (value) return { ...value, line: node.line };
    const name = node.path.join('.');
    const variable = Object.hasOwn(env, name) ? env[name] : undefined;
    if (variable !== undefined) return { kind: 'scalar', value: variable, text: variable, line: node.line };
    if (node.optional) return undefined;
    throw new HoconError(node.line, `\${${name}} stands neither in this file nor in the environment`);
  }

  /** The definitions of a key within the values that `definitions` have; later ones last. */
  function childrenOf(definitions: readonly Node[], key: string): Node[] {
    let children: Node[] = [];
    for (const node of definitions) {
      spend(1 + children.length, node.line);
      if (node.kind === 'object') children = children.concat(node.fields.get(key) ?? []);
      else if (active.has(node)) break;
      else if (node.kind === 'substitution') children.push(childOf(node, key));
      else if (node.kind === 'concat' && node.parts.every(mayBeObject)) {
        children = children.concat(childrenOf(node.parts.filter(isNode), key));
      } else children = [];
    }
    return children;
  }

  /** The key `b` of `${a}` is `${?a.b}`; always the same node, so that one that leads to itself is noticed. */
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
        throw new HoconError(node.line, 'text, a list and a block cannot make one value');
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

function isNode(part: Node | SpaceNode): part is Node {
  return part.kind !== 'space';
}

function isValue(value: HoconValue | SpaceNode): value is HoconValue {
  return value.kind !== 'space';
}

function mayBeObject(part: Node | SpaceNode): boolean {
  return part.kind === 'object' || part.kind === 'substitution' || part.kind === 'space';
}
