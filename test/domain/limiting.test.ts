// Rate limits counted for several keys at once, and what counts as one address.

import { BlockList, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { giveBackAll, limitAddress, limited, takeAll } from '../../src/domain/limiting.ts';
import type { LimitStore } from '../../src/domain/ports.ts';
import { createMemoryLimits } from '../../src/store/memory/limits.ts';
import { createFakeClock } from '../support/fake-clock.ts';

const groupsOf = (size: number) =>
  fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: size, maxLength: size });

/** One of the many ways to write an IPv6 address: zeros in front, upper case, `::`, a dotted end, a zone. */
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

/** Groups with runs of zeros, so that `::` has something to stand for; no mapped IPv4. */
const anyGroups = fc
  .tuple(groupsOf(8), fc.integer({ min: 0, max: 255 }))
  .map(([groups, mask]) => groups.map((group, index) => ((mask >> index) & 1 ? 0 : group)))
  .filter((groups) => groups.slice(0, 5).some((group) => group !== 0));

test('two IPv6 addresses are one exactly when a /64 holds both, however they are spelt', () => {
  const other = fc.tuple(anyGroups, fc.integer({ min: 0, max: 8 }));
  fc.assert(
    fc.property(anyGroups, other, anySpelling, anySpelling, (first, [rest, shared], how, otherHow) => {
      const second = [...first.slice(0, shared), ...rest.slice(shared)];
      // The two together may be a mapped IPv4, which counts as that IPv4.
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

test('the key of an IPv6 address is itself the /64 that holds it', () => {
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

test('an IPv4 address is itself, mapped or not', () => {
  fc.assert(
    fc.property(fc.ipV4(), (ip) => {
      const [a = 0, b = 0, c = 0, d = 0] = ip.split('.').map(Number);
      const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
      const forms = [ip, `::ffff:${ip}`, `::FFFF:${ip}`, `::ffff:${hex}`, `0:0:0:0:0:ffff:${ip}`];
      expect(new Set(forms.map(limitAddress))).toEqual(new Set([ip]));
    }),
  );
});

test('a zone is no part of the address, and what is no address stays as it is', () => {
  expect(limitAddress('fe80::1%eth0')).toBe(limitAddress('fe80::2'));
  for (const text of ['', 'unknown', '::1::', 'a]b', '1.2.3', 'x%y', '::1/../']) {
    expect(limitAddress(text)).toBe(text);
  }
});

const keys = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1 });

test.each([
  ['at once', (limits: LimitStore) => limits],
  ['after a wait', (limits: LimitStore) => ({ ...limits, take: async (...args) => limits.take(...args) })],
] satisfies [string, (limits: LimitStore) => LimitStore][])(
  'an event counts for every key or, when one is used up, for none: %s',
  async (_when, made) => {
    const events = fc.array(fc.record({ keys, giveBack: fc.boolean() }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(events, fc.integer({ min: 1, max: 4 }), async (list, count) => {
        const limits = made(createMemoryLimits(createFakeClock()));
        const limit = { count, windowMs: 60_000 };
        const used = new Map<string, number>();
        for (const event of list) {
          const full = event.keys.find((key) => (used.get(key) ?? 0) >= count);
          const refused = await takeAll(limits, event.keys, limit);
          expect(refused).toEqual(full === undefined ? undefined : { key: full, seconds: 60 });
          if (refused) continue;
          if (event.giveBack) await giveBackAll(limits, event.keys, limit);
          else for (const key of event.keys) used.set(key, (used.get(key) ?? 0) + 1);
        }
      }),
    );
  },
);

test('a limit that is off refuses nothing', async () => {
  const limits = createMemoryLimits(createFakeClock());
  for (let count = 0; count < 100; count++) expect(await takeAll(limits, ['a'], 'off')).toBeUndefined();
});

test('the error of a limit says how long to wait, in whole seconds and at least one', () => {
  expect(limited('pings', 0.2)).toMatchObject({
    code: 'LIMITED',
    message: 'too many pings, try again in 1 s',
    retryAfter: 1,
  });
  expect(limited('pings', 59.1).retryAfter).toBe(60);
});
