// Rate limits as the domain uses them: one limit counted for several keys at once.

import { SwobError } from '../errors.ts';
import type { RateLimit } from './model.ts';
import type { LimitStore } from './ports.ts';

/** The first key that is used up, and the seconds to wait. */
export interface UsedUp {
  readonly key: string;
  readonly seconds: number;
}

/**
 * Counts one event for every key; when one of them is used up, none is counted.
 * @returns undefined when allowed, at once where the limits are in memory
 */
export function takeAll(
  limits: LimitStore,
  keys: readonly string[],
  limit: RateLimit,
): UsedUp | undefined | Promise<UsedUp | undefined> {
  if (limit === 'off') return undefined;
  for (const [index, key] of keys.entries()) {
    const taken = limits.take(key, limit);
    if (taken !== 0) return takeOn(limits, keys, limit, index, taken);
  }
  return undefined;
}

/** Goes on where the key at `index` has been asked for. */
async function takeOn(
  limits: LimitStore,
  keys: readonly string[],
  limit: RateLimit,
  index: number,
  taken: number | Promise<number>,
): Promise<UsedUp | undefined> {
  const [key, ...others] = keys.slice(index);
  const seconds = await taken;
  if (key !== undefined && seconds > 0) {
    await giveBackAll(limits, keys.slice(0, index), limit);
    return { key, seconds };
  }
  const [next] = others;
  return next === undefined ? undefined : takeOn(limits, keys, limit, index + 1, limits.take(next, limit));
}

export async function giveBackAll(
  limits: LimitStore,
  keys: readonly string[],
  limit: RateLimit,
): Promise<void> {
  for (const key of keys) await limits.giveBack(key, limit);
}

/** The error of a limit that is used up. `what` is in the plural: `pings`. */
export function limited(what: string, seconds: number): SwobError {
  const retryAfter = Math.max(1, Math.ceil(seconds));
  return new SwobError('LIMITED', `too many ${what}, try again in ${retryAfter} s`, { retryAfter });
}

/**
 * What a limit counts as one address: an IPv6 client owns its whole /64, and a mapped IPv4 is that IPv4.
 * However an address is spelt, it is the same; anything else stays as it is.
 */
export function limitAddress(ip: string): string {
  // Only IPv6 has colons. Asked for each request, and a URL parser is not quick to refuse an IPv4.
  if (!ip.includes(':')) return ip;
  const bracketed = `http://[${ip.replace(/%.*$/, '')}]`;
  if (!URL.canParse(bracketed)) return ip;
  const canonical = new URL(bracketed).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(canonical) ?? [];
  if (high !== undefined && low !== undefined) {
    return [high, low].flatMap((group) => [...Buffer.from(group.padStart(4, '0'), 'hex')]).join('.');
  }
  const [head = [], tail = []] = canonical.split('::').map((part) => (part === '' ? [] : part.split(':')));
  // `::` stands for as many zero groups as are missing of eight.
  const zeros = Array<string>(8 - head.length - tail.length).fill('0');
  return `${[...head, ...zeros, ...tail].slice(0, 4).join(':')}::/64`;
}
