// The Pairings view: who paired when, by which key, and revocation. Used by views.ts.

import { Type } from 'typebox';
import type { Pairings, PairingView, Revocation } from '../../domain/pairing/revocation.ts';
import { type ConsoleView, defineAction, defineView } from '../view.ts';

export interface PairingsDeps {
  readonly pairings: Pairings;
}

export interface PairingsData {
  readonly pairings: readonly PairingView[];
  /** When more follow: `after` of the next page. */
  readonly next?: string | undefined;
}

export type PairingsActionResult = Revocation;

const perPage = 100;
const userId = Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9_.+-]+$' });
const query = Type.Object(
  { prefix: Type.Optional(userId), after: Type.Optional(userId) },
  { additionalProperties: false },
);

export function createPairingsView({ pairings }: PairingsDeps): ConsoleView {
  return defineView({
    name: 'pairings',
    query,
    // A list of users is read from all of them.
    everyMs: 10_000,
    read: async ({ prefix = '', after }): Promise<PairingsData> =>
      pairings.list({ prefix, after, limit: perPage }),
    actions: {
      revoke: defineAction({
        body: Type.Object({ userId }, { additionalProperties: false }),
        run: (body, { log }): Promise<PairingsActionResult> => pairings.revoke(body.userId, log),
      }),
    },
  });
}
