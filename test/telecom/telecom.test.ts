// Country by number, operator by IMSI, and the file that corrects the built-in list.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createTelecom } from '../../src/telecom/telecom.ts';

const telecom = createTelecom({ operatorsFile: '' });
const unknownOperator = { name: null, id: null };

function fileWith(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'swob-telecom-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'operators.json');
  writeFileSync(file, content);
  return file;
}

describe('country', () => {
  test.each([
    ['+237650393369', 'Cameroon'],
    ['+12025550123', 'United States'],
    ['+14165550123', 'Canada'],
    ['+33612345678', 'France'],
    ['+447400123456', 'United Kingdom'],
    ['+2348031234567', 'Nigeria'],
    ['+38344123456', 'Kosovo'],
  ])('%s is of %s', (msisdn, country) => {
    expect(telecom.country(msisdn)).toBe(country);
  });

  test.each([
    ['too short', '+23765'],
    ['no such prefix', '+999123456789'],
    ['over 15 digits', '+2376503933690000'],
    ['no plus', '237650393369'],
    ['separators', '+237 650 393 369'],
    ['an extension', '+237650393369;ext=1'],
    ['text around it', 'call +237650393369'],
    ['a line break after it', '+237650393369\n'],
    ['a tel: URI', 'tel:+237650393369'],
    ['other digits than ASCII', '+٢٣٧٦٥٠٣٩٣٣٦٩'],
    ['the documented sample', 'sample_MSISDN'],
    ['empty', ''],
  ])('is null for what is not a number in E.164 format: %s', (_why, msisdn) => {
    expect(telecom.country(msisdn)).toBeNull();
  });

  test('is null for a valid number of no country', () => {
    expect(telecom.normalise('+80012345678').kind).toBe('number');
    expect(telecom.country('+80012345678')).toBeNull();
  });
});

describe('networks', () => {
  test.each<[string, string, string | null, string[]]>([
    ['+237650393369', 'MTN Cameroon', '237', ['62401']],
    ['+237650393369', 'mtn cameroon', '237', ['62401']],
    ['+237650393369', 'MTN', '237', ['62401']],
    ['+237690000000', 'Orange', '237', ['62402']],
    ['+33612345678', 'Orange France', '33', ['20801', '20802']],
    ['+2348031234567', 'MTN', '234', ['62130']],
    ['+237650393369', 'Nobody', '237', []],
    ['+237650393369', '', '237', []],
    ['+237650393369', '--', '237', []],
    ['+237650393369', 'Verizon', '237', []],
    ['+80012345678', 'MTN', '800', []],
    ['12', 'MTN', null, []],
  ])('of %s and %j', (msisdn, name, callingCode, codes) => {
    expect(telecom.networks(msisdn, name)).toEqual({ callingCode, codes });
    expect(telecom.networks(msisdn, name)).toEqual({ callingCode, codes });
  });

  test('are eight at most', () => {
    expect(telecom.networks('+12025550123', 'AT&T').codes).toHaveLength(8);
  });

  test('include those of the operators file, whose names replace the built-in ones', () => {
    const own = createTelecom({
      operatorsFile: fileWith('{"62401": "Renamed", "62499": "Renamed", "99999": "Renamed"}'),
    });
    expect(own.networks('+237650393369', 'renamed').codes).toEqual(['62401', '62499']);
    expect(own.networks('+237650393369', 'MTN Cameroon').codes).toEqual([]);
  });
});

describe('operator', () => {
  test.each([
    ['MNC of two digits', '624010000000000', 'MTN Cameroon', '62401'],
    ['MNC of two digits, first digit of the subscriber not zero', '624019999999999', 'MTN Cameroon', '62401'],
    ['MNC of three digits', '310260123456789', 'T-Mobile', '310260'],
    ['both lengths listed, three digits usual', '310590123456789', 'Verizon Wireless', '310590'],
    ['both lengths listed, two digits usual', '350007123456789', 'One', '35000'],
    ['a country that mixes, listed with three', '405803123456789', 'AIRCEL', '405803'],
    ['a country that mixes, listed with two', '405019123456789', 'Reliance', '40501'],
    ['several entries, the operational one', '270771234567890', 'Tango', '27077'],
    ['several entries, the operational one last', '234180000000000', 'Cloud9', '23418'],
    ['no brand: the operator', '738003123456789', 'Quark Communications Inc.', '738003'],
    ['six digits alone', '624010', 'MTN Cameroon', '62401'],
  ])('%s', (_case, imsi, name, id) => {
    expect(telecom.operator(imsi)).toEqual({ name, id });
  });

  test.each([
    '888000000000000',
    '62401',
    '',
    'sample_IMSI',
    '62401x000000000',
    '6240100000000001',
    '６２４０１０',
  ])('is unknown for %j', (imsi) => {
    expect(telecom.operator(imsi)).toEqual(unknownOperator);
  });

  test.each([
    ['310999123456789', '310999'],
    ['624991234567890', '62499'],
  ])('of a known country has its code and no name when it is not in the list: %s', (imsi, id) => {
    expect(telecom.operator(imsi)).toEqual({ name: null, id });
  });

  test('is a name and the beginning of the IMSI, or nothing, for every IMSI', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\d{6,15}$/), (imsi) => {
        const { name, id } = telecom.operator(imsi);
        if (name !== null) expect(id).not.toBeNull();
        if (id !== null) expect([imsi.slice(0, 5), imsi.slice(0, 6)]).toContain(id);
        expect(name).not.toBe('');
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the operators file', () => {
  test('adds and overrides', () => {
    const own = createTelecom({
      operatorsFile: fileWith('\uFEFF{"62401": "Ours", "99912": "Two", "999345": "Three", "31026": "Short"}'),
    });
    expect(own.operator('624010000000000')).toEqual({ name: 'Ours', id: '62401' });
    expect(own.operator('999120000000000')).toEqual({ name: 'Two', id: '99912' });
    expect(own.operator('999345000000000')).toEqual({ name: 'Three', id: '999345' });
    expect(own.operator('310260123456789')).toEqual({ name: 'Short', id: '31026' });
    expect(own.operator('624020000000000')).toEqual({ name: 'Orange', id: '62402' });
  });

  test.each([
    ['not JSON', '{', /JSON/],
    ['empty', '', /JSON/],
    ['a list', '[]', /not a JSON object/],
    ['null', 'null', /not a JSON object/],
    ['a key that is too long', '{"6240100": "x"}', /"6240100"/],
    ['a key that is not a number', '{"MTN": "x"}', /"MTN"/],
    ['a name that is not text', '{"62401": 1}', /no name for "62401"/],
    ['an empty name', '{"62401": ""}', /no name for "62401"/],
  ])('is refused immediately when it is malformed: %s', (_case, content, why) => {
    const operatorsFile = fileWith(content);
    const create = () => createTelecom({ operatorsFile });
    expect(create).toThrow(
      expect.objectContaining({ code: 'CONFIG', message: expect.stringContaining(operatorsFile) }),
    );
    expect(create).toThrow(why);
  });

  test('is refused immediately when it is not there', () => {
    const operatorsFile = `${fileWith('{}')}.missing`;
    expect(() => createTelecom({ operatorsFile })).toThrow(
      expect.objectContaining({ code: 'CONFIG', message: expect.stringContaining(operatorsFile) }),
    );
  });
});

describe('carriers', () => {
  test.each([
    ['+237650393369', 'MTN Cameroon'],
    ['+237691234567', 'Orange'],
    ['+33612345678', 'SFR'],
    ['+14155550123', null],
    ['+2376503', null],
    ['650393369', null],
    ['', null],
  ])('the operator that %s was given to is %s', async (msisdn, name) => {
    expect(await telecom.carrier(msisdn)).toBe(name);
  });
});
