// Iterates over data in Redis in pages of some hundred items, so that neither this process nor Redis is blocked for
// long. Items that change meanwhile may be missed or repeated. Used by archive.ts and
// users.ts.

import { SwobError } from '../../errors.ts';
import type { RedisClient } from '../../redis/connect.ts';

const pageSize = 500;

/** The fields and values of a hash. */
export async function* scanHash(
  redis: RedisClient,
  key: string,
): AsyncGenerator<readonly [field: string, value: string]> {
  let cursor = '0';
  do {
    const reply = await redis.run({ key, args: ['HSCAN', key, cursor, 'COUNT', String(pageSize)] });
    const [next, items] = pageOf(reply);
    for (let index = 0; index + 1 < items.length; index += 2) {
      yield [items[index] ?? '', items[index + 1] ?? ''];
    }
    cursor = next;
  } while (cursor !== '0');
}

/** The keys of strings with this prefix on all masters, in pages. */
export async function* scanKeys(redis: RedisClient, beginning: string): AsyncGenerator<string[]> {
  const match = `${beginning.replace(/[\\*?[\]]/g, '\\$&')}*`;
  for (const master of redis.masters()) {
    let cursor = '0';
    do {
      const args = ['SCAN', cursor, 'MATCH', match, 'COUNT', String(pageSize), 'TYPE', 'string'];
      const [next, keys] = pageOf(await master.run(args));
      yield keys;
      cursor = next;
    } while (cursor !== '0');
  }
}

/**
 * The values of a hash, in the order of a sorted set of its fields whose scores are distinct. Skips fields without a
 * value.
 */
export async function* readHashInOrder(
  redis: RedisClient,
  order: string,
  hash: string,
): AsyncGenerator<readonly [field: string, value: string]> {
  let from = '-inf';
  while (true) {
    const range = ['ZRANGE', order, from, '+inf', 'BYSCORE', 'LIMIT', '0', String(pageSize), 'WITHSCORES'];
    const reply = await redis.run({ key: order, args: range });
    const pairs = (Array.isArray(reply) ? reply : []).map(textsOf);
    const score = pairs.at(-1)?.[1];
    if (score === undefined) return;
    const fields = pairs.map(([field = '']) => field);
    const values = await redis.run({ key: hash, args: ['HMGET', hash, ...fields] });
    for (const [index, value] of (Array.isArray(values) ? values : []).entries()) {
      if (typeof value === 'string') yield [fields[index] ?? '', value];
    }
    from = `(${score}`;
  }
}

/** The values of a hash, in the order of a sorted set of its fields with equal scores, from this field on. */
export async function* readHashFrom(
  redis: RedisClient,
  order: string,
  hash: string,
  first: string,
): AsyncGenerator<readonly [field: string, value: string]> {
  let from = `[${first}`;
  while (true) {
    const range = ['ZRANGE', order, from, '+', 'BYLEX', 'LIMIT', '0', String(pageSize)];
    const fields = textsOf(await redis.run({ key: order, args: range }));
    const last = fields.at(-1);
    if (last === undefined) return;
    const values = await redis.run({ key: hash, args: ['HMGET', hash, ...fields] });
    for (const [index, value] of (Array.isArray(values) ? values : []).entries()) {
      if (typeof value === 'string') yield [fields[index] ?? '', value];
    }
    from = `(${last}`;
  }
}

function pageOf(reply: unknown): [cursor: string, items: string[]] {
  if (Array.isArray(reply) && reply.length === 2) return [String(reply[0]), textsOf(reply[1])];
  throw new SwobError('INTERNAL', 'Redis replied to a scan without a cursor and a list');
}

function textsOf(reply: unknown): string[] {
  return Array.isArray(reply) ? reply.map(String) : [];
}
