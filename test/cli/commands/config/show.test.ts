import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../../src/config/load.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import { createCli } from '../../harness.ts';

function fileOf(text: string): string {
  const file = join(temporaryFolder(), 'conf.ini');
  writeFileSync(file, text);
  return file;
}

describe('swob config show', () => {
  test('prints a file that swob reads back to the same configuration', async () => {
    const cli = createCli();
    const file = fileOf('[api]\nport = 7000\n[seeds]\nexpiry = 5m\n');
    expect(await cli.swob('config', 'show', '-c', file, '--set', 'api.host=::1')).toBe(0);
    const read = (path: string, overrides: string[]) =>
      loadConfig({ files: [path], setOptions: overrides, env: {} }).config;
    expect(read(fileOf(cli.out.text), [])).toEqual(read(file, ['api.host=::1']));
  });

  test('prints the origin of each value above its key with --origin', async () => {
    const cli = createCli({ env: { SWOB_API_HOST: '127.0.0.2' } });
    const file = fileOf('[api]\nport = 7000\n');
    expect(await cli.swob('config', 'show', '--origin', '-c', file)).toBe(0);
    expect(cli.out.text).toContain(
      `; environment SWOB_API_HOST\nhost = 127.0.0.2\n; ${file}:2\nport = 7000\n; default\n`,
    );
  });

  test('never shows a secret, as text or as JSON', async () => {
    for (const form of [[], ['--json'], ['--origin'], ['--json', '--origin']]) {
      const cli = createCli({ env: { SWOB_SEEDS_TOKEN_SECRET: 'hush-hush' } });
      expect(await cli.swob('config', 'show', ...form)).toBe(0);
      expect(cli.out.text + cli.err.text).not.toContain('hush-hush');
      expect(cli.out.text).toContain('***');
    }
  });

  test('shows the URL of the store without its password', async () => {
    for (const form of [[], ['--json'], ['--origin']]) {
      const cli = createCli({ env: { SWOB_STORE_URL: 'redis://me:hush-hush@a/1' } });
      expect(await cli.swob('config', 'show', ...form)).toBe(0);
      expect(cli.out.text).toContain('redis://me:***@a/1');
      expect(cli.out.text + cli.err.text).not.toContain('hush-hush');
    }
  });

  test('prints an object by section and key with --json', async () => {
    const cli = createCli();
    expect(await cli.swob('config', 'show', '--json', '--set', 'api.port=7000')).toBe(0);
    expect(cli.values()).toMatchObject([{ api: { port: 7000 }, seeds: { expiry: '20s', token_secret: '' } }]);
  });

  test('prints numbers, booleans and lists as JSON values with --json, durations and limits as text', async () => {
    for (const origin of [[], ['--origin']]) {
      const cli = createCli();
      const set = ['disconnect.nas_allow=10.0.0.1,10.1.0.0/16', 'seeds.expiry=90s', 'limits.pings=off'];
      const sets = set.flatMap((text) => ['--set', text]);
      expect(await cli.swob('config', 'show', '--json', ...origin, ...sets)).toBe(0);
      const of = (value: unknown, from = 'default') => (origin.length > 0 ? { value, origin: from } : value);
      expect(cli.values()).toMatchObject([
        {
          api: { host: of('127.0.0.1'), port: of(6969), origins: of([]) },
          seeds: { expiry: of('90s', '--set') },
          limits: { pings: of('off', '--set'), passwords: of('5/15m') },
          disconnect: {
            legacy_status: of(false),
            nas_allow: of(['10.0.0.1', '10.1.0.0/16'], '--set'),
          },
          validation: { algorithms: of(['RS256']), leeway: of('5s') },
        },
      ]);
    }
  });

  test.each([
    ['http://user:hush@h:1/%s/verify', 'http://***@h:1/%s/verify'],
    ['http://hush@h/%s', 'http://***@h/%s'],
    ['http://u:p@hush@h/%s@x', 'http://***@h/%s@x'],
    ['http:u:hush@h/%s', 'http:***@h/%s'],
    ['http:\\\\u:hush@h/%s', 'http:\\\\***@h/%s'],
    ['http://h/%s?key=hush&more', 'http://h/%s?***'],
    ['http://h/%s#hush', 'http://h/%s?***'],
    ['http://h/%s', 'http://h/%s'],
  ])('shows the URL %s without user, password and query', async (url, shown) => {
    const set = `user_management_api.verification_url=${url}`;
    const [plain, json] = [createCli(), createCli()];
    expect(await plain.swob('config', 'show', '--set', set)).toBe(0);
    expect(plain.out.text).not.toContain('hush');
    expect(await json.swob('config', 'show', '--json', '--set', set)).toBe(0);
    expect(json.values()).toMatchObject([{ user_management_api: { verification_url: shown } }]);
  });
});
