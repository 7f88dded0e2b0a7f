// What the values count for that a store remembers, where that is bounded; the same in every store.

import type { RememberedAnswer } from '../domain/model.ts';

export function charactersOfAnswer({ request, body }: RememberedAnswer): number {
  return request.length + body.length;
}
