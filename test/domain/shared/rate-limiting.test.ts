// Rate limits that count for several keys, and the canonical form of addresses.

import { BlockList, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { networkOf } from '../../../src/domain/shared/counted-keys.ts';
import type { LimitStore } from '../../../src/domain/shared/ports.ts';
import {
  consumeAll,
  limitAddress,
  peekAll,
  peekAllLocal,
  rateLimited,
  refundAll,
} from '../../../src/domain/shared/rate-limiting.ts';
import { createMemoryLimits } from '../../../src/store/memory/limits.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const groupsOf = (size: number) =>
  fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: size, maxLength: size });

/** One of the many notations of an IPv6 address: leading zeros, upper case, `::`, a dotted end, a zone. */
function spell(
  groups: readonly number[],
  how: { pad: boolean; upper: boolean; dotted: boolean; gap: number },
): string {
  const hex = groups.map((group) => group.toString(16).padStart(how.pad ? 4 : 1, '0'));
  const texts = how.upper ? hex.map((text) => text.toUpperCase()) : hex;
  const [high = 0, low = 0] = groups.slice(6);
  const end = how.dotted ? [[high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')] : texts.slice(6);
  const all = [...texts.slice(0, 6), ...end];
  let length = 0;
  while (how.gap + length < 6 && groups[how.gap + length] === 0) length++;
  if (length === 0) return all.join(':');
  return `${all.slice(0, how.gap).join(':')}::${all.slice(how.gap + length).join(':')}`;
}

const anySpelling = fc.record({
  pad: fc.boolean(),
  upper: fc.boolean(),
  dotted: fc.boolean(),
  gap: fc.integer({ min: 0, max: 5 }),
});

/** Groups with runs of zeros to abbreviate by `::`; no mapped IPv4. */
const anyGroups = fc
  .tuple(groupsOf(8), fc.integer({ min: 0, max: 255 }))
  .map(([groups, mask]) => groups.map((group, index) => ((mask >> index) & 1 ? 0 : group)))
  .filter((groups) => groups.slice(0, 5).some((group) => group !== 0));

test('two IPv6 addresses count as one exactly when they share a /64, in any notation', () => {
  const other = fc.tuple(anyGroups, fc.integer({ min: 0, max: 8 }));
  fc.assert(
    fc.property(anyGroups, other, anySpelling, anySpelling, (first, [rest, shared], how, otherHow) => {
      const second = [...first.slice(0, shared), ...rest.slice(shared)];
      // A mapped IPv4 counts as that IPv4.
      fc.pre(second.slice(0, 5).some((group) => group !== 0));
      const [a, b] = [spell(first, how), spell(second, otherHow)];
      expect([isIPv6(a), isIPv6(b)]).toEqual([true, true]);
      const block = new BlockList();
      block.addSubnet(a, 64, 'ipv6');
      expect([a, b, limitAddress(a) === limitAddress(b)]).toEqual([a, b, block.check(b, 'ipv6')]);
    }),
    { numRuns: 1_000 },
  );
});

test('an IPv6 address becomes its /64', () => {
  fc.assert(
    fc.property(anyGroups, anySpelling, (groups, how) => {
      const key = limitAddress(spell(groups, how));
      expect(key).toMatch(/^[^/]+::\/64$/);
      const block = new BlockList();
      block.addSubnet(key.replace('/64', '').replace(/^((?:[^:]+:){3}[^:]+)::$/, '$1:0:0:0:0'), 64, 'ipv6');
      expect(block.check(spell(groups, { ...how, dotted: false }), 'ipv6')).toBe(true);
    }),
  );
});

test('an IPv4 address is unchanged, mapped or not', () => {
  fc.assert(
    fc.property(fc.ipV4(), (ip) => {
      const [a = 0, b = 0, c = 0, d = 0] = ip.split('.').map(Number);
      const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
      const forms = [ip, `::ffff:${ip}`, `::FFFF:${ip}`, `::ffff:${hex}`, `0:0:0:0:0:ffff:${ip}`];
      expect(new Set(forms.map(limitAddress))).toEqual(new Set([ip]));
    }),
  );
});

test('a zone is dropped, and anything that is not an address is unchanged', () => {
  expect(limitAddress('fe80::1%eth0')).toBe(limitAddress('fe80::2'));
  for (const text of ['', 'unknown', '::1::', 'a]b', '1.2.3', 'x%y', '::1/../']) {
    expect(limitAddress(text)).toBe(text);
  }
});

const keys = fc.uniqueArray(
  fc.constantFrom('guess:address:a', 'guess:address:b', 'ping:address:a', 'ping:address:b'),
  { minLength: 1 },
);

test.each([
  ['synchronously', (limits: LimitStore) => limits],
  [
    'after a wait',
    (limits: LimitStore) => ({ ...limits, consume: async (...args) => limits.consume(...args) }),
  ],
] satisfies [string, (limits: LimitStore) => LimitStore][])(
  'an event counts for every key or, when one is used up, for none: %s',
  async (_when, made) => {
    const events = fc.array(fc.record({ keys, isRefund: fc.boolean() }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(events, fc.integer({ min: 1, max: 4 }), async (list, count) => {
        const limits = made(createMemoryLimits(createFakeClock()));
        const limit = { count, windowMs: 60_000 };
        const used = new Map<string, number>();
        for (const event of list) {
          const full = event.keys.find((key) => (used.get(key) ?? 0) >= count);
          const refused = await consumeAll(limits, event.keys, limit);
          expect(refused).toEqual(full === undefined ? undefined : { key: full, seconds: 60 });
          if (refused) continue;
          if (event.isRefund) await refundAll(limits, event.keys, limit);
          else for (const key of event.keys) used.set(key, (used.get(key) ?? 0) + 1);
        }
      }),
    );
  },
);

test('the events of a request that its own limit refuses count for no network around it', async () => {
  const limits = createMemoryLimits(createFakeClock());
  const limit = { count: 5, windowMs: 60_000 };
  const take = (line: number) => consumeAll(limits, [`lookup:address:2001:db8:0:${line}::/64`], limit, 5);
  expect(await take(1)).toBeUndefined();
  for (let n = 0; n < 20; n++)
    expect(await take(1)).toMatchObject({ key: 'lookup:address:2001:db8:0:1::/64' });
  // The /56 is allowed four times as much as one of its lines.
  for (const line of [2, 3, 4]) expect(await take(line)).toBeUndefined();
  expect(await take(5)).toMatchObject({ key: 'lookup:address:2001:db8:0:0::/56' });
});

test('a limit that is off refuses nothing', async () => {
  const limits = createMemoryLimits(createFakeClock());
  for (let count = 0; count < 100; count++)
    expect(await consumeAll(limits, ['ping:imsi:a'], 'off')).toBeUndefined();
});

test('the error of a limit names the seconds to wait, rounded up and at least one', () => {
  expect(rateLimited('pings', 0.2)).toMatchObject({
    code: 'LIMITED',
    message: 'too many pings, try again in 1 s',
    retryAfter: 1,
  });
  expect(rateLimited('pings', 59.1).retryAfter).toBe(60);
});

test('the networks around an IPv6 address contain it, and an IPv4 address is unchanged', () => {
  fc.assert(
    fc.property(anyGroups, anySpelling, fc.constantFrom(48 as const, 56 as const), (groups, how, bits) => {
      const network = networkOf(limitAddress(spell(groups, how)), bits);
      const [first = '', length = ''] = network.split('/');
      const block = new BlockList();
      const padded = [...first.replace('::', '').split(':'), ...Array<string>(8).fill('0')].slice(0, 8);
      block.addSubnet(padded.join(':'), Number(length), 'ipv6');
      expect(Number(length)).toBe(bits);
      expect(block.check(spell(groups, { ...how, dotted: false }), 'ipv6')).toBe(true);
    }),
  );
  expect(networkOf('192.0.2.1', 48)).toBe('192.0.2.1');
});

test('L6 all /64 of a /48 together are allowed as much as sixteen of them', async () => {
  const limits = createMemoryLimits(createFakeClock());
  const limit = { count: 5, windowMs: 60_000 };
  const keyOf = (line: number) =>
    `password:address:${limitAddress(`2001:db8:1:${line.toString(16)}::1`)}` as const;
  const takenFrom = async (line: number) => (await consumeAll(limits, [keyOf(line)], limit)) === undefined;
  let taken = 0;
  // Each /64 in its own /56.
  for (let line = 0; line < 0x10000; line += 0x100) if (await takenFrom(line)) taken++;
  expect(taken).toBe(80);
  expect(peekAllLocal(limits, keyOf(0xffff), limit)).toBe(60);
  expect(await peekAll(limits, 'password:address:2001:db8:2:0::/64', limit)).toBe(0);
  const other = createMemoryLimits(createFakeClock());
  let inOne56 = 0;
  for (let line = 0; line < 0x100; line++) {
    const key = `password:address:${limitAddress(`2001:db8:9:${line.toString(16)}::1`)}` as const;
    if ((await consumeAll(other, [key], limit)) === undefined) inOne56++;
  }
  expect(inOne56).toBe(20);
});

test('L7 a subject that strangers can name has a far higher limit than one address', async () => {
  const limit = { count: 5, windowMs: 60_000 };
  const allowed = async (key: Parameters<typeof peekAllLocal>[1]): Promise<number> => {
    const limits = createMemoryLimits(createFakeClock());
    let count = 0;
    while ((await consumeAll(limits, [key], limit)) === undefined) count++;
    return count;
  };
  for (const key of ['ping:imsi:1', 'session:user:alice', 'sms:sender:+1'] as const) {
    expect([key, await allowed(key)]).toEqual([key, 100]);
  }
  expect(await allowed('password:user:alice')).toBe(29);
  expect(await allowed('password:user-address:alice@192.0.2.1')).toBe(5);
  expect(await allowed('password:session:alice/1')).toBe(5);
});
