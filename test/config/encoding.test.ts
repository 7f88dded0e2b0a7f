// Configuration that is not UTF-8 is refused, because a replaced byte would change a secret.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { decodeUtf8, NotUtf8 } from '../../src/lib/utf8.ts';
import { anyText } from '../support/any-text.ts';
import { configFile } from '../support/config-files.ts';
import { temporaryFolder } from '../support/folders.ts';

describe('bytes that are not UTF-8', () => {
  const latin1 = (text: string) => Buffer.from(text, 'latin1');

  test.each([
    ['conf.ini', '[dev_api]\nauth_id = a\nauth_key = s\xe4cret\n', 3],
    ['comment.ini', '; gr\xfc\xdfe\n[api]\n', 1],
    ['utf16.ini', '\xff\xfe[\0a\0]\0', 1],
  ])('in %s are refused with file and line, and the value is not shown', (name, text, line) => {
    const file = join(temporaryFolder(), name);
    writeFileSync(file, latin1(text));
    const read = () => loadConfig({ files: [file], env: {} });
    expect(read).toThrow(`${file}:${line}: not UTF-8; save the file as UTF-8`);
    expect(read).toThrow(expect.objectContaining({ code: 'CONFIG', exitCode: 78 }));
    expect(read).not.toThrow(/cret/);
  });

  test('in an application.conf, too', () => {
    const file = join(temporaryFolder(), 'application.conf');
    writeFileSync(file, latin1('pcrf {\n  host = m\xfcnchen\n}\n'));
    expect(() => loadConfig({ files: [configFile('')], hocon: file, env: {} })).toThrow(
      `${file}:2: not UTF-8`,
    );
  });

  test('in the environment and in --set, where Node has already replaced them', () => {
    const sources = { files: [configFile('')], env: { SWOB_DEV_API_AUTH_KEY: 's\ufffdcret' } };
    expect(() => loadConfig(sources)).toThrow(
      'environment SWOB_DEV_API_AUTH_KEY: the value is not valid UTF-8',
    );
    const setOptions = ['dev_api.auth_key=s\ufffdcret'];
    expect(() => loadConfig({ files: [configFile('')], env: {}, setOptions })).toThrow(
      '--set dev_api.auth_key: the value is not valid UTF-8',
    );
  });
});

describe('decoding', () => {
  test('every text is decoded unchanged, without a byte order mark', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        fc.pre(!text.startsWith('\ufeff'));
        expect(decodeUtf8(Buffer.from(text))).toBe(text);
        expect(decodeUtf8(Buffer.from(`\ufeff${text}`))).toBe(text);
      }),
    );
  });

  test('the first invalid line is named, wherever it is', () => {
    const line = anyText().map((text) => text.replaceAll('\n', ''));
    fc.assert(
      fc.property(fc.array(line), fc.array(line), (before, after) => {
        const bytes = Buffer.concat([
          ...before.map((text) => Buffer.from(`${text}\n`)),
          Buffer.from([0x61, 0xe4, 0x62]),
          ...after.map((text) => Buffer.from(`\n${text}`)),
        ]);
        const read = () => decodeUtf8(bytes);
        expect(read).toThrow(NotUtf8);
        expect(read).toThrow(`line ${before.length + 1} is not UTF-8`);
      }),
    );
  });
});
