// The Seeds view: which gateway clients work, a page at a time, and the history of one. Used by views.ts.

import { Type } from 'typebox';
import { seedSorts } from '../../domain/seeds/seed-query.ts';
import type { SeedDetails, SeedPage, SeedTable } from '../../domain/seeds/seed-table.ts';
import { tableChanges } from '../table-changes.ts';
import { type ConsoleView, defineView, missingPart, type NodesPart } from '../view.ts';

export interface SeedsDeps {
  readonly seedTable: SeedTable;
  /** How long a seed is active after a ping, in milliseconds. */
  readonly seedExpiryMs: number;
}

export interface SeedsData extends Omit<SeedPage, 'missing'>, NodesPart {
  /** Time of the server, Unix time in milliseconds. */
  readonly now: number;
  readonly expiryMs: number;
  readonly perPage: number;
  /** The seed that the query names; null when it is unknown. */
  readonly selected?: SeedDetails | null;
}

const perPage = 50;
const text = (maxLength = 100) => Type.Optional(Type.String({ maxLength }));

const query = Type.Object(
  {
    country: text(),
    operator: text(),
    text: text(),
    active: Type.Optional(Type.Literal('1')),
    sort: Type.Optional(Type.Union(seedSorts.map((sort) => Type.Literal(sort)))),
    /** From 1. */
    page: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,5}$' })),
    /** The number of the seed whose history is shown. */
    seed: text(64),
  },
  { additionalProperties: false },
);

export function createSeedsView({ seedTable, seedExpiryMs }: SeedsDeps): ConsoleView {
  return defineView({
    name: 'seeds',
    query,
    everyMs: 2_000,
    changes: tableChanges<SeedsData>('seeds', 'msisdn'),
    read: async ({ page = '1', sort, active, seed, ...filter }, { now }): Promise<SeedsData> => {
      const [{ missing, ...shown }, selected] = await Promise.all([
        seedTable.page({
          ...filter,
          ...(active && { activeOnly: true }),
          sort: seedSorts.find((each) => each === sort) ?? 'works',
          offset: (Number(page) - 1) * perPage,
          limit: perPage,
        }),
        seed === undefined ? undefined : seedTable.details(seed),
      ]);
      return {
        ...shown,
        ...missingPart(missing, selected?.missing ?? []),
        now,
        expiryMs: seedExpiryMs,
        perPage,
        ...(seed !== undefined && { selected: selected ?? null }),
      };
    },
  });
}
