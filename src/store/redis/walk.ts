// Walks over what Redis holds, some hundred items at a time: never the whole of it, and nobody else waits for long. What
// changes meanwhile may be missed or come twice. Used by archive.ts.

import { SwobError } from '../../errors.ts';
import type { RedisConnection } from './connection/connect.ts';

const atOnce = 500;

/** Fields and values of a hash. */
export async function* hashItems(
  redis: RedisConnection,
  key: string,
): AsyncGenerator<readonly [field: string, value: string]> {
  let cursor = '0';
  do {
    const reply = await redis.run({ key, args: ['HSCAN', key, cursor, 'COUNT', String(atOnce)] });
    const [next, items] = pageOf(reply);
    for (let index = 0; index + 1 < items.length; index += 2) {
      yield [items[index] ?? '', items[index + 1] ?? ''];
    }
    cursor = next;
  } while (cursor !== '0');
}

/** Keys of texts, on all masters, that begin so; a page at a time. */
export async function* keysLike(redis: RedisConnection, beginning: string): AsyncGenerator<string[]> {
  const match = `${beginning.replace(/[\\*?[\]]/g, '\\$&')}*`;
  for (const master of redis.masters()) {
    let cursor = '0';
    do {
      const args = ['SCAN', cursor, 'MATCH', match, 'COUNT', String(atOnce), 'TYPE', 'string'];
      const [next, keys] = pageOf(await master.run(args));
      yield keys;
      cursor = next;
    } while (cursor !== '0');
  }
}

/**
 * The values of a hash in the order of a sorted set that has its fields, with scores that differ; a field that has no
 * value is left out.
 */
export async function* inOrder(
  redis: RedisConnection,
  order: string,
  hash: string,
): AsyncGenerator<readonly [field: string, value: string]> {
  let from = '-inf';
  while (true) {
    const range = ['ZRANGE', order, from, '+inf', 'BYSCORE', 'LIMIT', '0', String(atOnce), 'WITHSCORES'];
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

function pageOf(reply: unknown): [cursor: string, items: string[]] {
  if (Array.isArray(reply) && reply.length === 2) return [String(reply[0]), textsOf(reply[1])];
  throw new SwobError('INTERNAL', 'Redis answers a scan with something else');
}

function textsOf(reply: unknown): string[] {
  return Array.isArray(reply) ? reply.map(String) : [];
}
