// Errors of routes that respond with JSON: `{"error": text}`. Used by the routes of gateway clients and reliability tests.

import { type Static, Type } from 'typebox';

export const jsonError = Type.Object({ error: Type.String() });

/** For the `errorBody` of a route. */
export function jsonErrorBody(text: string): Static<typeof jsonError> {
  return { error: text };
}

/** For the documentation of a route. */
export const jsonErrorContent = { 'application/json': jsonError };
