// [nas <name>] sections: their settings come from files, the environment and --set, and what contradicts itself is refused.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { temporaryFolder } from '../support/folders.ts';

function load(text: string, env: Record<string, string> = {}, setOptions: string[] = []) {
  const file = join(temporaryFolder(), 'conf.ini');
  writeFileSync(file, text);
  return loadConfig({ files: [file], env, setOptions });
}

const errorsOf = (text: string): string => {
  try {
    load(text);
  } catch (error) {
    return String(error);
  }
  return '';
};

const usable =
  '[disconnect]\nbackend = radius\n[nas branch]\naddress = 10.0.0.1, 10.1.0.0/16\nsecret_file = a\n';

test('a section comes from the file, and is overridden and added to by the environment and --set', () => {
  const env = {
    SWOB_NAS_BRANCH_PORT: '1700',
    SWOB_NAS_BRANCH_SOURCE_ADDRESS: '10.0.0.9',
    SWOB_NAS_OTHER_VRF: '7',
  };
  const set = ['nas branch.timeout=2s', 'nas other.address=2001:db8::1', 'nas other.secret_file=b'];
  const { config, warnings } = load(usable, env, set);
  const defaults = {
    vrf: '',
    port: 3799,
    source_address: '',
    profile: 'generic',
    timeout: 5_000,
    retries: 3,
  };
  expect(config.nas).toEqual([
    {
      ...defaults,
      ...{ name: 'branch', address: ['10.0.0.1', '10.1.0.0/16'], secret_file: 'a' },
      ...{ port: 1700, source_address: '10.0.0.9', timeout: 2_000 },
    },
    { ...defaults, name: 'other', address: ['2001:db8::1'], secret_file: 'b', vrf: '7' },
  ]);
  expect(warnings).toEqual([]);
  expect(load('').config.nas).toEqual([]);
});

test('sections that nothing uses are a warning', () => {
  expect(load(usable.replace('radius', 'pcrf')).warnings).toEqual([expect.stringContaining('are not used')]);
});

test.each([
  ['[disconnect]\nbackend = both\n', 'backend = both needs a [nas <name>] section'],
  ['[nas]\naddress = 10.0.0.1\n', 'expected [nas <name>], such as [nas branch]'],
  ['[nas Branch]\naddress = 10.0.0.1\n', 'expected [nas <name>]'],
  [`${usable}adress = 10.0.0.2\n`, 'unknown key nas branch.adress (did you mean nas branch.address?)'],
  [`${usable}profile = huawei\n`, 'profile: expected one of: generic'],
  ['[nas a]\nsecret_file = a\n', '[nas a] needs address'],
  ['[nas a]\naddress = 10.0.0.1\n', '[nas a] needs secret_file'],
  [`${usable}source_address = ::1\n`, 'are of different IP versions'],
  [
    `${usable}[nas other]\naddress = 10.1.9.9/16\nsecret_file = a\n`,
    '[nas other] address 10.1.9.9/16 is that of [nas branch], too',
  ],
])('%j is refused', (text, message) => {
  expect(errorsOf(text)).toContain(message);
});

test('the same network in another VRF is not ambiguous', () => {
  expect(errorsOf(`${usable}[nas other]\naddress = 10.0.0.1\nvrf = 7\nsecret_file = a\n`)).toBe('');
});

test('a section may have the name of a member of every object, and sections keep their order', () => {
  const names = ['10', 'constructor', '2'];
  const sections = names.map((name, n) => `[nas ${name}]\naddress = 10.0.0.${n}\nsecret_file = s\n`);
  const { config } = load(`[disconnect]\nbackend = radius\n${sections.join('')}`);
  expect(config.nas.map(({ name, address }) => [name, ...address])).toEqual(
    names.map((name, n) => [name, `10.0.0.${n}`]),
  );
  expect(Object).not.toHaveProperty('secret_file');
});
