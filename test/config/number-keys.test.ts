// The keys of [numbers].

import { expect, onTestFinished, test, vi } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { configFile } from '../support/config-files.ts';

const read = (text: string) =>
  loadConfig({ files: [configFile(text)], env: {}, setOptions: [] }).config.numbers;

test('a region is the code of a country, in either case', () => {
  expect(read('')).toEqual({ default_region: '', check: 'metadata' });
  expect(read('[numbers]\ndefault_region = cm\ncheck = form')).toEqual({
    default_region: 'CM',
    check: 'form',
  });
});

test.each(['Cameroon', '237', '+237', 'CMR', 'QQ'])('default_region = %s is refused', (value) => {
  expect(() => read(`[numbers]\ndefault_region = ${value}`)).toThrow(
    /expected an ISO country code such as CM/,
  );
});

test('a configuration without a country loads no names of countries', async () => {
  const names = vi.spyOn(Intl, 'DisplayNames');
  onTestFinished(() => void names.mockRestore());
  vi.resetModules();
  const { numberKeys } = await import('../../src/config/number-keys.ts');
  expect(numberKeys.default_region.type.parse('')).toBe('');
  expect(names).not.toHaveBeenCalled();
});
