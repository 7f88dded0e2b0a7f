// conf.ini files of the replaced server mean the same as to Python's configparser, or are rejected.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { configFile } from '../support/config-files.ts';

describe("the syntax of Python's configparser", () => {
  const load = (text: string) => {
    const file = configFile(text);
    return { file, load: () => loadConfig({ files: [file], env: {} }) };
  };

  test('%% is one % and causes a warning; in double quotes it is two', () => {
    const { file, load: read } = load('[dev_api]\nauth_key = a%%b%c%%%d\nauth_id = "e%%f"\n');
    const { config, warnings } = read();
    expect([config.dev_api.auth_key, config.dev_api.auth_id]).toEqual(['a%b%c%%d', 'e%%f']);
    expect(warnings).toEqual([
      `${file}:2: [dev_api] auth_key: each %% is read as one %, as by the replaced server; put the value in double quotes to keep both`,
    ]);
  });

  test('backslashes and all other characters of a secret are literal', () => {
    const secret = fc.string({ unit: fc.constantFrom('\\', 'a', '%', '(', ')', ':', '=', '!', '$', ' ') });
    fc.assert(
      fc.property(secret, (text) => {
        const value = text.trim();
        if (value === '' || value.includes('%%') || /%\([^)]*\)s/.test(value)) return;
        expect(load(`[dev_api]\nauth_key = ${value}`).load().config.dev_api.auth_key).toBe(value);
      }),
    );
  });

  test.each([
    [
      '[DEFAULT]\nhost = a\n[api]',
      2,
      '[DEFAULT] host: the DEFAULT section is not supported; set the key in each section',
    ],
    [
      '[api]\nhost = a\n  b',
      3,
      "indented deeper than line 2, which Python's configparser reads as a continuation",
    ],
    [
      '[api]\nhost = a\n\n; c\n\tport = 7',
      5,
      "indented deeper than line 2, which Python's configparser reads as a continuation",
    ],
    [
      '[dev_api]\nauth_key = hunter2\n [api]',
      3,
      "indented deeper than line 2, which Python's configparser reads as a continuation",
    ],
    ['[api]\nhost = %(base)s/x', 2, '[api] host: %(name)s interpolation is not supported; write'],
    ['[api]\nPort = 1\nport = 2', 3, '[api] port is already set on line 2; remove one of the two'],
  ])('%j is refused with a correction', (text, line, message) => {
    const { file, load: read } = load(text);
    expect(read).toThrow(`${file}:${line}: ${message}`);
    expect(read).not.toThrow(/hunter2/);
  });

  test('an empty [DEFAULT], keys that are indented alike and a comment after a section are read', () => {
    const { load: read } = load('[DEFAULT]\n[api] ; of the gateway\n  host: a\n  port: 7\n  ; end\n');
    expect(read().config.api).toMatchObject({ host: 'a', port: 7 });
  });
});
