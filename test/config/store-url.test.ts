// The URL of the store: every folder that it can name, and the URLs that name none.

import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { storeFolder, storeUrl } from '../../src/config/store-url.ts';

test.each([
  ['memory:', undefined],
  ['file:./data', './data'],
  ['file:data', 'data'],
  ['file:../a b', '../a b'],
  ['file:/var/lib/swob', '/var/lib/swob'],
  ['file:100%?#', '100%?#'],
  ['file:///var/lib/swob', '/var/lib/swob'],
  ['file:///srv/a%20b/%C3%BC%25', '/srv/a b/ü%'],
])('%s is %j', (url, folder) => {
  expect(storeFolder(url)).toBe(folder);
  expect(storeUrl('memory:', '').kind.parse(url)).toBe(url);
});

test.each([
  'file://host/x',
  'file://localhost/x',
  'file://data',
  'file://./data',
  'file:',
  'file://',
  'FILE:./data',
  './data',
  'memory',
  'memory:x',
  'memory://',
  'redis://a',
  'file:///a%zz',
  'file:///a%2Fb',
  'file:///a%00',
  'file:a\0b',
  '',
])('%j is refused', (url) => {
  expect(() => storeUrl('memory:', '').kind.parse(url)).toThrow(
    'expected file:<folder> such as file:./data, file:///<absolute folder> with %20 for a space, or memory:',
  );
});

test.each(['file:///a?b', 'file:///a#b', 'file:///a\\b'])('%j is refused, with how to write it', (url) => {
  expect(() => storeFolder(url)).toThrow('written %3F, %23, %5C');
});

test('every absolute folder as a URL is that folder', () => {
  const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !/[/\0]|^\.\.?$/.test(text));
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (names) => {
      const folder = `/${names.join('/')}`;
      expect(storeFolder(pathToFileURL(folder).href)).toBe(folder);
    }),
  );
});
