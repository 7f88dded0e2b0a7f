// The keys that one event counts towards: an address also counts for the networks around it, and a subject counts over
// all addresses with a far higher limit. Used by rate-limiting.ts.

import { type CountedKey, type LimitKey, type LimitName, limitNameOf } from './limit-keys.ts';
import type { RateLimit } from './model.ts';

/**
 * Subjects that strangers can name, who must not be able to lock the owner out: their limits are far higher than that
 * of one address, and higher than that of the widest counted network.
 */
const wide = (count: number): number => 20 * count;
const subjects: readonly { readonly prefix: `${LimitName}:`; readonly countOf: (count: number) => number }[] =
  [
    { prefix: 'console:all:', countOf: wide },
    { prefix: 'ping:imsi:', countOf: wide },
    { prefix: 'session:user:', countOf: wide },
    { prefix: 'sms:sender:', countOf: wide },
    { prefix: 'test:client:', countOf: wide },
    // The sixth wrong password is refused for one address or session, the thirtieth for the user overall.
    { prefix: 'password:user:', countOf: (count) => 6 * count - 1 },
  ];

/** Scaled limits by their configured limit, of which there are few: each request needs several of them. */
const scaled = new WeakMap<object, Map<unknown, RateLimit>>();
function scale(limit: Exclude<RateLimit, 'off'>, by: unknown, countOf: (count: number) => number): RateLimit {
  let known = scaled.get(limit);
  if (!known) {
    known = new Map();
    scaled.set(limit, known);
  }
  let found = known.get(by);
  if (!found) {
    found = { count: countOf(limit.count), windowMs: limit.windowMs };
    known.set(by, found);
  }
  return found;
}

/** Networks around a /64: providers assign a customer a /56 or a /48, which holds 256 or 65,536 of them. */
const networks = [
  { bits: 48, countOf: (count: number) => 16 * count },
  { bits: 56, countOf: (count: number) => 4 * count },
] as const;
const lineSuffix = '::/64';

/** Adds every key that counts, the widest network first: an exhausted one creates no keys for networks inside it. */
function addCounted(counts: CountedKey[], key: LimitKey, limit: Exclude<RateLimit, 'off'>): void {
  if (!key.endsWith(lineSuffix)) {
    counts.push({ key, limit: subjectLimit(key, limit) });
    return;
  }
  for (const { bits, countOf } of networks)
    counts.push({ key: networkKey(key, bits), limit: scale(limit, bits, countOf) });
  counts.push({ key, limit });
}

function subjectLimit(key: LimitKey, limit: Exclude<RateLimit, 'off'>): RateLimit {
  for (const { prefix, countOf } of subjects) {
    if (key.startsWith(prefix)) return scale(limit, prefix, countOf);
  }
  return limit;
}

export function countedKeys(keys: readonly LimitKey[], limit: RateLimit): readonly CountedKey[] {
  const counts: CountedKey[] = [];
  if (limit === 'off') return counts;
  for (const key of keys) addCounted(counts, key, limit);
  return counts;
}

/**
 * The network with this prefix length around an address in the form of `limitAddress`; an IPv4 address is unchanged.
 */
export function networkOf(address: string, bits: 48 | 56): string {
  if (!address.endsWith(lineSuffix)) return address;
  const groups = address.slice(0, -lineSuffix.length).split(':');
  const last = Number.parseInt(groups.pop() ?? '', 16) & 0xff00;
  const prefix = bits === 48 ? groups : [...groups, last.toString(16)];
  return `${prefix.join(':')}::/${bits}`;
}

function networkKey(key: LimitKey, bits: 48 | 56): LimitKey {
  // The address follows an `@`, or the `:` after the name of the limit.
  const name = limitNameOf(key);
  const subject = key.slice(name.length + 1);
  const start = subject.lastIndexOf('@') + 1;
  return `${name}:${subject.slice(0, start)}${networkOf(subject.slice(start), bits)}`;
}
