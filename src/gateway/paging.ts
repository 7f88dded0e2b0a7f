// Pages of lists, as the old server has them: `page` and `per_page` in the query, and the headers that describe the page.
// Used by the routes of gateway clients and reliability tests.

import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { SwobError } from '../errors.ts';

/** Headers that web pages of other origins may read. */
export const pageHeaders = ['X-Total-Count', 'X-Page', 'X-Per-Page', 'Link'];

export interface Page {
  /** From 1. */
  readonly page: number;
  readonly perPage: number;
}

const defaultPerPage = 10;
/** A greater `per_page` counts as this one; the header of the response says so. */
const maxPerPage = 100;
const maxFilterLength = 100;

export const pageQuery = {
  page: Type.Optional(Type.Integer({ minimum: 1, description: 'Default: 1' })),
  per_page: Type.Optional(
    Type.Integer({ minimum: 1, description: `Default: ${defaultPerPage}; at most ${maxPerPage}` }),
  ),
};

/** The parameters of a query with these names that are not empty. Throws BAD_INPUT for one that is repeated or too long. */
export function readFilters<const Name extends string>(
  query: unknown,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const given = new Map<string, unknown>(Object.entries(Object(query)));
  const filters: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const value = given.get(name);
    if (value === undefined || value === '') continue;
    if (typeof value !== 'string' || value.length > maxFilterLength) {
      throw new SwobError(
        'BAD_INPUT',
        `Invalid ${name} parameter. Must be given once, with at most ${maxFilterLength} characters.`,
      );
    }
    filters[name] = value;
  }
  return filters;
}

/** Throws BAD_INPUT with the words of the old server. */
export function readPage({
  page = '1',
  per_page = String(defaultPerPage),
}: {
  readonly page?: string;
  readonly per_page?: string;
}): Page {
  const isNumber = (text: string): boolean => /^0*[1-9]\d{0,8}$/.test(text);
  if (isNumber(page) && isNumber(per_page)) {
    return { page: Number(page), perPage: Math.min(Number(per_page), maxPerPage) };
  }
  throw new SwobError('BAD_INPUT', 'Invalid page or per_page parameter. Must be positive integers.');
}

/** A time of ISO 8601 in milliseconds, UTC unless it has an offset; a date is its first moment. Throws BAD_INPUT. */
export function readTime(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, date, time = 'T00:00', zone = 'Z'] = isoTime.exec(text) ?? [];
  const ms = date === undefined ? Number.NaN : Date.parse(`${date}${time.replace(' ', 'T')}${zone}`);
  if (!Number.isNaN(ms)) return ms;
  throw new SwobError(
    'BAD_INPUT',
    `Invalid ${name}. Please provide a valid ISO format datetime (YYYY-MM-DD).`,
  );
}

const isoTime = /^(\d{4}-\d\d-\d\d)([T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?(Z|[+-]\d\d:\d\d)?$/;

/**
 * Sets the headers of a page.
 * @param url of the list, without its query
 * @param filters of the query besides the page, which the links repeat
 */
export function describePage(
  reply: FastifyReply,
  { page, perPage }: Page,
  total: number,
  list: { readonly url: string; readonly filters: Readonly<Record<string, string>> },
): void {
  const last = Math.max(1, Math.ceil(total / perPage));
  const link = (rel: string, number: number): string => {
    const query = new URLSearchParams({ ...list.filters, page: String(number), per_page: String(perPage) });
    return `<${list.url}?${query}>; rel="${rel}"`;
  };
  const links = [
    ...(page > 1 ? [link('first', 1), link('prev', Math.min(page - 1, last))] : []),
    link('self', page),
    ...(page < last ? [link('last', last), link('next', page + 1)] : []),
  ];
  reply.header('x-total-count', total);
  reply.header('x-page', page);
  reply.header('x-per-page', perPage);
  reply.header('link', links.join(', '));
}
