// The URL of a store in a folder: all its forms, and invalid URLs.

import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { storeRules } from '../../../src/app/compose/store-adapters.ts';
import { redactStoreUrl } from '../../../src/config/store-url.ts';
import { parseFolderUrl } from '../../../src/store/lowdb/url.ts';

test.each([
  ['file:./data', './data'],
  ['file:data', 'data'],
  ['file:../a b', '../a b'],
  ['file:/var/lib/swob', '/var/lib/swob'],
  ['file:100%?#', '100%?#'],
  ['file:///var/lib/swob', '/var/lib/swob'],
  ['file:///srv/a%20b/%C3%BC%25', '/srv/a b/ü%'],
  ['file:///srv/a:b@c', '/srv/a:b@c'],
])('%s is %j', (url, folder) => {
  expect(parseFolderUrl(url)).toBe(folder);
  expect(redactStoreUrl(url)).toBe(url);
});

test.each([
  'file://host/x',
  'file://localhost/x',
  'file://data',
  'file://./data',
  'file:',
  'file://',
  'file:///a%zz',
  'file:///a%2Fb',
  'file:///a%00',
  'file:a\0b',
])('%j is refused', (url) => {
  expect(() => storeRules.checkUrl(url)).toThrow(
    'expected file:<folder> such as file:./data, or file:///<absolute folder> with %20 for a space',
  );
});

test.each(['file:///a?b', 'file:///a#b', 'file:///a\\b'])('%j is refused with a correction', (url) => {
  expect(() => parseFolderUrl(url)).toThrow('as %3F, %23, %5C');
});

test('every absolute folder survives the conversion to a URL and back', () => {
  const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !/[/\0]|^\.\.?$/.test(text));
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (names) => {
      const folder = `/${names.join('/')}`;
      expect(parseFolderUrl(pathToFileURL(folder).href)).toBe(folder);
    }),
  );
});
