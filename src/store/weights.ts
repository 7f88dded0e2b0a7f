// The size of a stored response, as its bound counts it in every store.

import type { StoredResponse } from '../domain/outgoing/model.ts';

export function responseCharacters({ request, body }: StoredResponse): number {
  return request.length + body.length;
}
