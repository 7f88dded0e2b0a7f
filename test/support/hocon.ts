// The values of a HOCON text without their lines, as plain objects.

import type { HoconValue } from '../../src/config/hocon-nodes.ts';

export function plain(value: HoconValue): unknown {
  if (value.kind === 'scalar') return value.value;
  if (value.kind === 'list') return value.items.map(plain);
  return Object.fromEntries([...value.fields].map(([key, inner]) => [key, plain(inner)]));
}
