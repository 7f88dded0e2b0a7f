// What the stub phone does in each mode, and how it chooses one.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkMix,
  chooseMode,
  type PhoneMix,
  phoneModes,
  planReports,
  type SimpleMode,
  seededRandom,
} from '../../src/stubs/phone-modes.ts';

const simpleModes = phoneModes.filter((mode) => mode !== 'mixed');
const never = (): number => 0.99;

/** `sent`, or `sent 1/2`; in brackets what is lost. */
function described(mode: SimpleMode, parts?: number, random = never): string {
  const reports = planReports(mode, parts, random).map(({ status, part, parts: of, isLost }) => {
    const text = part === undefined ? status : `${status} ${part}/${of}`;
    return isLost ? `(${text})` : text;
  });
  return reports.join(', ');
}

describe('planReports', () => {
  test.each<[SimpleMode, string, string]>([
    ['delivered', 'sent, delivered', 'sent 1/2, sent 2/2, delivered 1/2, delivered 2/2'],
    ['sent', 'sent', 'sent 1/2, sent 2/2'],
    ['failed', 'failed', 'sent 1/2, failed 2/2'],
    ['silent', '', ''],
    ['duplicate', 'sent, sent, delivered, delivered', described('delivered', 2).replace(/[^,]+/g, '$&,$&')],
    ['reorder', 'delivered, sent', 'delivered 2/2, delivered 1/2, sent 2/2, sent 1/2'],
    ['contradict', 'sent, delivered, failed', `${described('delivered', 2)}, failed 2/2`],
    ['die', '', ''],
  ])('%s', (mode, whole, byPart) => {
    expect(described(mode)).toBe(whole);
    expect(described(mode, 2)).toBe(byPart.replaceAll(/,\s*/g, ', '));
  });

  test('lossy loses each report by chance', () => {
    expect(described('lossy', undefined, () => 0)).toBe('(sent), (delivered)');
    expect(described('lossy', undefined, () => 0.5)).toBe('sent, delivered');
  });

  test('a report on the whole SMS names no part; of parts each is named, up to the last', () => {
    fc.assert(
      fc.property(fc.constantFrom(...simpleModes), fc.integer({ min: 1, max: 9 }), (mode, parts) => {
        for (const report of planReports(mode, undefined, never)) expect(report).not.toHaveProperty('part');
        for (const { part = 0, parts: of } of planReports(mode, parts, never)) {
          expect(of).toBe(parts);
          expect(part).toBeGreaterThanOrEqual(1);
          expect(part).toBeLessThanOrEqual(parts);
        }
      }),
    );
  });
});

describe('the mix', () => {
  test('the same seed chooses the same modes, another one others', () => {
    const modesOf = (seed: string): string[] => {
      const random = seededRandom(seed);
      return Array.from({ length: 50 }, () => chooseMode({ failed: 0.3, silent: 0.3 }, random));
    };
    expect(modesOf('a')).toEqual(modesOf('a'));
    expect(modesOf('a')).not.toEqual(modesOf('b'));
  });

  test('modes come as often as their share, the rest is delivered', () => {
    const random = seededRandom('1');
    const counts: Partial<Record<SimpleMode, number>> = {};
    for (let n = 0; n < 5_000; n += 1) {
      const mode = chooseMode({ failed: 0.1, lossy: 0.5 }, random);
      counts[mode] = (counts[mode] ?? 0) + 1;
    }
    expect(Object.keys(counts).sort()).toEqual(['delivered', 'failed', 'lossy']);
    expect(Number(counts.failed) / 5_000).toBeCloseTo(0.1, 1);
    expect(Number(counts.lossy) / 5_000).toBeCloseTo(0.5, 1);
    expect(chooseMode({ failed: 1 }, () => 0.999_999)).toBe('failed');
  });

  test.each<PhoneMix>([
    { failed: 1.1 },
    { failed: -0.1 },
    { failed: Number.NaN },
    { failed: 0.6, lossy: 0.5 },
  ])('refuses %j', (mix) => {
    expect(() => checkMix(mix)).toThrow('mix: ');
  });

  test('accepts shares that are 1 in all', () => {
    expect(checkMix({ failed: 0.1, lossy: 0.2, silent: 0.7 })).toBeDefined();
  });
});
