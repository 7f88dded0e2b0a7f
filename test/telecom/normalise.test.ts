// Spellings of phone numbers: each is normalised to the number in E.164 format, or refused with the reason.

import fc from 'fast-check';
import examples from 'libphonenumber-js/examples.mobile.json' with { type: 'json' };
import { getCountries, getExampleNumber } from 'libphonenumber-js/max';
import { describe, expect, test } from 'vitest';
import { createNormaliser } from '../../src/telecom/normaliser.ts';
import { createTelecom } from '../../src/telecom/telecom.ts';

const number = '+237650393369';
const create = (defaultRegion = '', check: 'metadata' | 'form' = 'metadata') => {
  const normalise = createNormaliser({ defaultRegion, check });
  return (text: string): string => {
    const result = normalise(text);
    return result.kind === 'number' ? result.msisdn : result.reason;
  };
};
const plain = create();
const inCameroon = create('CM');

/** Unambiguous without a default region. */
const international = [
  '+237650393369',
  '237650393369',
  '00237650393369',
  '+237(0)650393369',
  '00237(0)650393369',
  '+2370650393369',
  '+237 6 50 39 33 69',
  '+237\u00a0650\u202f393\u2009369',
  '+237-650-393-369',
  '+237.650.393.369',
  '(+237) 650 393 369',
  '+237/650/393369',
  '+237\u2011650\u2013393\u2212369',
  '+237650393369\r',
  '\t+237650393369\r\n',
  '\u202a+237650393369\u202c',
  '\u2066+237650393369\u2069\u200f',
  '+237\u200b650\u2060393\ufeff369',
  '＋２３７６５０３９３３６９',
  '+٢٣٧٦٥٠٣٩٣٣٦٩',
  '+۲۳۷۶۵۰۳۹۳۳۶۹',
  '+𝟐𝟑𝟕𝟞𝟝𝟘𝟥𝟫𝟥𝟯𝟲𝟿',
];
const national = ['650393369', '0650393369', '6 50 39 33 69', '(0)650393369', '٦٥٠٣٩٣٣٦٩', '𝟼𝟻𝟶𝟹𝟿𝟹𝟹𝟼𝟿'];

describe('spellings of one number', () => {
  test.each(international)('%j is normalised with and without a default region', (text) => {
    expect([plain(text), inCameroon(text)]).toEqual([number, number]);
  });

  test.each(national)('%j is normalised in its country, and refused without a default region', (text) => {
    expect([plain(text), inCameroon(text)]).toEqual(['no country code', number]);
  });

  test('a number of another country is not taken for one of the default region', () => {
    expect(inCameroon('33612345678')).toBe('+33612345678');
    expect(inCameroon('+33 6 12 34 56 78')).toBe('+33612345678');
    expect(create('US')('011237650393369')).toBe(number);
    expect(create('US')('00237650393369')).toBe(number);
    expect(create('IT')('+39 (0)6 69812345')).toBe('+390669812345');
    expect(create('DE')('41791234567')).toBe('+41791234567');
  });

  test('digits that are a number of the default region are not read as an international number', () => {
    // Also +62 21 23456, a fixed number of Jakarta.
    expect(create('CM')('622123456')).toBe('+237622123456');
    expect(plain('622123456')).toBe('no country code');
  });
});

describe('refused', () => {
  test.each([
    ['', 'empty'],
    [' \u200e\r\n', 'empty'],
    ['MTN', 'letters'],
    ['Orange 4G', 'letters'],
    ['МТС', 'letters'],
    ['sample_MSISDN', 'letters'],
    ['tel:+237650393369', 'letters'],
    ['+237650393369;ext=1', 'letters'],
    ['+237650393369\r\nX: y', 'letters'],
    ['+237650\n393369', 'characters'],
    ['+237650393369\0', 'characters'],
    ['+237650393369#', 'characters'],
    ['++237650393369', 'characters'],
    ['00+237650393369', 'characters'],
    ['+२३७६५०३९३३६९', 'characters'],
    ['+23765039336\u0300', 'characters'],
    ['+', 'characters'],
    ['()', 'characters'],
    ['8787', 'short code'],
    ['116117', 'short code'],
    ['+8787', 'unassigned'],
    ['+1', 'unassigned'],
    ['+237', 'unassigned'],
    ['+2376503', 'unassigned'],
    ['+999123456789', 'unassigned'],
    ['+0237650393369', 'unassigned'],
    ['+237950393369', 'unassigned'],
    ['+2376503933690000', 'too long'],
    ['1'.repeat(65), 'too long'],
    ['+23777123456', 'former plan'],
    ['23777123456', 'former plan'],
    ['+22507123456', 'former plan'],
    ['+22997123456', 'former plan'],
    ['00224 61 23 45 67', 'former plan'],
  ])('%j: %s', (text, reason) => {
    expect([plain(text), inCameroon(text)]).toEqual([reason, reason]);
  });

  test('a number of a replaced plan is recognised in national form, too', () => {
    expect(inCameroon('77123456')).toBe('former plan');
    expect(create('CI')('07123456')).toBe('former plan');
  });

  test('a region without a numbering plan', () => {
    expect(() => create('AQ')).toThrow(expect.objectContaining({ code: 'CONFIG' }));
  });
});

describe('check = form', () => {
  const form = create('CM', 'form');

  test.each([
    ['+4759000000000012', 'too long'],
    ['00 47 590 000 000 012', '+47590000000012'],
    ['+237(0)150393369', '+237150393369'],
    ['+237950393369', '+237950393369'],
    ['650393369', number],
    ['950393369', 'unassigned'],
    ['+123456', 'unassigned'],
    ['MTN', 'letters'],
    ['8787', 'short code'],
  ])('%j: %s', (text, expected) => {
    expect(form(text)).toBe(expected);
  });

  test('an M2M number has the country of its country code', () => {
    const telecom = createTelecom({ operatorsFile: '', check: 'form' });
    expect(telecom.country('+237950393369')).toBe('Cameroon');
    expect(createTelecom({ operatorsFile: '' }).country('+237950393369')).toBeNull();
  });
});

/** The mobile number of each country that libphonenumber has as an example. */
const exampleNumbers = getCountries().flatMap((country) => {
  const example = getExampleNumber(country, examples);
  return example?.isValid() ? [{ country, example }] : [];
});
const digitScripts = ['0123456789', '０１２３４５６７８９', '٠١٢٣٤٥٦٧٨٩', '۰۱۲۳۴۵۶۷۸۹', '𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗'];
const noise = fc.constantFrom(
  '',
  '',
  '',
  ' ',
  '\u00a0',
  '-',
  '.',
  '\u200b',
  '\u202a',
  '\u202c',
  '\u200f',
  '\ufeff',
);
/** Writes each digit in a script, with characters between them that say nothing. */
const spelled = (text: string) =>
  fc
    .tuple(
      fc.constantFrom(...digitScripts),
      fc.array(noise, { minLength: text.length, maxLength: text.length }),
    )
    .map(([script, between]) =>
      [...text]
        .map((char, index) => `${/\d/.test(char) ? [...script][Number(char)] : char}${between[index]}`)
        .join(''),
    );

describe('one identity for a number', () => {
  test('however the number of any country is spelled', () => {
    const spelling = fc.constantFrom(...exampleNumbers).chain(({ country, example }) =>
      fc
        .constantFrom(example.number, example.formatInternational(), `00${example.number.slice(1)}`)
        .chain(spelled)
        .map((text) => ({ country, text, expected: example.number })),
    );
    fc.assert(
      fc.property(spelling, ({ text, expected }) => {
        fc.pre(text.length <= 64);
        expect(plain(text)).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  test('in its national form where its country is the default region', () => {
    for (const { country, example } of exampleNumbers.filter((_, index) => index % 4 === 0)) {
      const inCountry = create(country);
      expect([country, inCountry(example.formatNational())]).toEqual([country, example.number]);
      expect([country, inCountry(example.number)]).toEqual([country, example.number]);
    }
  });

  test.each(['metadata', 'form'] as const)('normalising again changes nothing (%s)', (check) => {
    const normalise = create('CM', check);
    const digits = fc.stringMatching(/^(?:\+|00|0|)[0-9]{3,16}$/);
    const texts = fc.oneof(digits, digits.chain(spelled), fc.string({ unit: 'grapheme', maxLength: 20 }));
    fc.assert(
      fc.property(texts, (text) => {
        const once = normalise(text);
        if (once.startsWith('+')) expect(normalise(once)).toBe(once);
      }),
      { numRuns: 1_000 },
    );
  });
});
