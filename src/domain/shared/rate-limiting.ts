// Rate limits that count one event for several keys. Used by every capability.

import { SwobError } from '../../errors.ts';
import type { MaybePromise } from '../../lib/maybe-promise.ts';
import { canonicalIpv6, mappedIpv4 } from '../../lib/net.ts';
import { countedKeys } from './counted-keys.ts';
import type { CountedKey, LimitExceeded, LimitKey } from './limit-keys.ts';
import type { RateLimit } from './model.ts';
import type { LimitStore } from './ports.ts';

/**
 * Counts one event, or `events`, for every key and the keys that it implies (counted-keys.ts); counts none of them when
 * one is exceeded.
 * @returns undefined when allowed; synchronously where the limits are in memory
 */
export function consumeAll(
  limits: LimitStore,
  keys: readonly LimitKey[],
  limit: RateLimit,
  events = 1,
): MaybePromise<LimitExceeded | undefined> {
  if (limit === 'off') return undefined;
  const counts = countedKeys(keys, limit);
  return limits.consumeAll && counts.length > 1
    ? limits.consumeAll(counts, events)
    : consumeEach(limits, counts, events);
}

/** The same for the keys that count, each by a call of its own. */
export function consumeEach(
  limits: Pick<LimitStore, 'consume' | 'refund'>,
  counts: readonly CountedKey[],
  events: number,
): MaybePromise<LimitExceeded | undefined> {
  let index = 0;
  for (const { key, limit } of counts) {
    const taken = limits.consume(key, limit, events);
    if (taken !== 0) return consumeRest(limits, counts, index, taken, events);
    index++;
  }
  return undefined;
}

/** Continues after the key at `index`, whose result is `taken`. */
async function consumeRest(
  limits: Pick<LimitStore, 'consume' | 'refund'>,
  counts: readonly CountedKey[],
  index: number,
  taken: MaybePromise<number>,
  events: number,
): Promise<LimitExceeded | undefined> {
  const seconds = await taken;
  const current = counts[index];
  if (current && seconds > 0) {
    for (const { key, limit } of counts.slice(0, index)) await limits.refund(key, limit, events);
    return { key: current.key, seconds };
  }
  const next = counts[index + 1];
  return next && consumeRest(limits, counts, index + 1, limits.consume(next.key, next.limit, events), events);
}

export async function refundAll(
  limits: LimitStore,
  keys: readonly LimitKey[],
  limit: RateLimit,
): Promise<void> {
  const counts = countedKeys(keys, limit);
  await (limits.refundAll && counts.length > 1 ? limits.refundAll(counts) : refundEach(limits, counts));
}

export async function refundEach(
  limits: Pick<LimitStore, 'refund'>,
  counts: readonly CountedKey[],
): Promise<void> {
  for (const { key, limit } of counts) await limits.refund(key, limit);
}

/** Makes the counts of a wrong guess durable, so that crashing the process grants no further guesses. */
export async function persistAll(
  limits: LimitStore,
  keys: readonly LimitKey[],
  limit: RateLimit,
): Promise<void> {
  const counts = countedKeys(keys, limit);
  await Promise.all(counts.map(({ key }) => limits.persist(key)));
}

/** The seconds to wait for one key, 0 when it is allowed, without counting an event. */
export async function peekAll(limits: LimitStore, key: LimitKey, limit: RateLimit): Promise<number> {
  for (const counted of countedKeys([key], limit)) {
    const seconds = await limits.peek(counted.key, counted.limit);
    if (seconds > 0) return seconds;
  }
  return 0;
}

/** The same from the memory of this process alone; 0 also when it does not know. */
export function peekAllLocal(limits: LimitStore, key: LimitKey, limit: RateLimit): number {
  for (const counted of countedKeys([key], limit)) {
    const seconds = limits.peekLocal(counted.key, counted.limit);
    if (seconds > 0) return seconds;
  }
  return 0;
}

/** The error for an exceeded limit; `what` is a plural such as `pings`. */
export function rateLimited(what: string, seconds: number): SwobError {
  const retryAfter = Math.max(1, Math.ceil(seconds));
  return new SwobError('LIMITED', `too many ${what}, try again in ${retryAfter} s`, { retryAfter });
}

/**
 * The canonical address that limits count by: the /64 of an IPv6 address, because a client owns all of it, and the IPv4
 * address of a mapped one. Anything else is unchanged.
 */
export function limitAddress(ip: string): string {
  // Only IPv6 has colons. Checked first, as this runs for each request and parsing a URL is slow.
  if (!ip.includes(':')) return ip;
  const canonical = canonicalIpv6(ip.replace(/%.*$/, ''));
  if (canonical === undefined) return ip;
  const ipv4 = mappedIpv4(canonical);
  if (ipv4 !== undefined) return ipv4;
  const [head = [], tail = []] = canonical.split('::').map((part) => (part === '' ? [] : part.split(':')));
  // `::` abbreviates the zero groups that are missing of eight.
  const zeros = Array<string>(8 - head.length - tail.length).fill('0');
  return `${[...head, ...zeros, ...tail].slice(0, 4).join(':')}::/64`;
}
