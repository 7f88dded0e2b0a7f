// The files of the replaced services as one conf.ini: it means the same as they did, and names what it leaves out.

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ImportedConfig, importConfig } from '../../../src/config/import/import.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { configFile } from '../../support/config-files.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { fixtureText } from './fixtures.ts';

type Files = Readonly<Record<string, string>>;

function folderOf(files: Files, name = 'etc/service'): string {
  const folder = join(temporaryFolder(), name);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return folder;
}

/** Throws unless the files are translated; messages have `DIR` for the folder. */
function translate(folder: string, env: Readonly<Record<string, string>> = {}): ImportedConfig {
  const imported = importConfig(folder, env);
  if ('faults' in imported) throw new Error(imported.faults.join('\n'));
  const hide = (texts: readonly string[]) =>
    texts.map((text) => text.replaceAll(`${folder}/`, '').replaceAll(dirname(folder), 'PARENT'));
  return { ...imported, untranslated: hide(imported.untranslated), notes: hide(imported.notes) };
}

/** The configuration and the warnings of the written file alone. */
function reload({ text }: ImportedConfig) {
  return loadConfig({ files: [configFile(text)], env: {} });
}

describe('the disconnect service', () => {
  const application = fixtureText('old-disconnect.application.conf');

  test('application.conf means the same as with --hocon, and loads without warnings', () => {
    const folder = folderOf({
      'application.conf': `${application}\ninclude "site.conf"\nakka.loglevel = INFO`,
      'site.conf': `pcrf { host = "pcrf;1#x", timeout = 1500, pool.max = \${?MAX} }`,
    });
    const env = { MAX: '9' };
    const imported = translate(folder, env);
    const hocon = join(folder, 'application.conf');
    const before = loadConfig({ files: ['/dev/null'], env, hocon }).config;
    const { config, warnings } = reload(imported);
    expect({ ...config, disconnect: { ...config.disconnect, hocon } }).toEqual(before);
    expect(warnings).toEqual([]);
    expect([config.pcrf.host, config.pcrf.timeout, config['pcrf.pool'].max]).toEqual(['pcrf;1#x', 1_500, 9]);
    expect(imported.untranslated).toEqual(['application.conf:16: akka: not a setting of swob, ignored']);
    expect(imported.notes).toEqual([
      'the variable MAX of this shell was used; the file has its present value',
    ]);
  });

  test('any values of application.conf are read back as they were', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', ' ', '"', '\\', "'", ';', '#', '%', '%%', '=', 'é', '😀'),
      maxLength: 12,
    });
    fc.assert(
      fc.property(
        text,
        fc.integer({ min: 10, max: 300_000 }),
        fc.integer({ min: 1, max: 65_535 }),
        (key, ms, port) => {
          const lines = [
            `validation.public_key = ${JSON.stringify(key)}`,
            `pcrf { timeout = ${ms}, port = ${port} }`,
          ];
          const folder = folderOf({ 'application.conf': lines.join('\n') });
          const { config } = reload(translate(folder));
          const before = loadConfig({
            files: ['/dev/null'],
            env: {},
            hocon: join(folder, 'application.conf'),
          }).config;
          expect([config.validation, config.pcrf]).toEqual([before.validation, before.pcrf]);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('the variables of ../default override log4j2.xml, and those of Java are listed', () => {
    const folder = folderOf({
      'application.conf': application,
      'log4j2.xml': fixtureText('old-log4j2.xml'),
      '../default/service': fixtureText('old-disconnect.default'),
    });
    const imported = translate(folder, { LOG_LEVEL: 'error', GELF_HOST: 'udp:shell.example' });
    const { config, warnings } = reload(imported);
    expect(warnings).toEqual([]);
    expect(config.disconnect.port).toBe(9097);
    expect(config.logging).toEqual({
      level: 'debug',
      base_dir: '/var/log/eltex-disconnect-service',
      max_file_size: 20 * 1024 ** 2,
      max_count: 7,
      max_repeats: { count: 30, windowMs: 60_000 },
      accumulated_size: 100 * 1024 ** 2,
      last_modified: 4 * 86_400_000,
      monitor_interval: 600_000,
      gelf_level: 'off',
      gelf_host: 'shell.example',
      gelf_port: 12_201,
    });
    expect(imported.notes).toEqual([
      'the variable GELF_HOST of this shell was used; the file has its present value',
    ]);
    expect(imported.untranslated.map((line) => line.replace(/: [^:]*$/, ''))).toEqual([
      'log4j2.xml:16: <PatternLayout>',
      'log4j2.xml:19: <PatternLayout>',
      'log4j2.xml:37: <Logger com.eltex.pcrf>',
      'PARENT/default/service:3: JAVA_INIT_HEAP',
      'PARENT/default/service:4: JAVA_MAX_HEAP',
      'PARENT/default/service:6: JAVA_OPTS',
      'PARENT/default/service:7: TZ',
    ]);
  });

  test('a folder with one of the files is enough, and copies of the variables may be in it', () => {
    expect(reload(translate(folderOf({ default: 'PORT=1234\n' }))).config.disconnect.port).toBe(1234);
    expect(reload(translate(folderOf({ service: 'export PORT=1235\n' }))).config.disconnect.port).toBe(1235);
    expect(translate(folderOf({ 'other.conf': '' })).files).toEqual([]);
  });
});

describe('the SMS gateway', () => {
  test('both files of the old server together mean the same as they do as files of -c', () => {
    const files = {
      'confs/conf.ini': fixtureText('old-api.conf.ini'),
      'gateway_server/confs/conf.ini': fixtureText('old-sync.conf.ini'),
      'security/public.pem': '',
      'security/private.pem': '',
    };
    const folder = folderOf(files);
    const imported = translate(folder);
    const names = ['confs/conf.ini', 'gateway_server/confs/conf.ini'].map((name) => join(folder, name));
    const { config, warnings } = reload(imported);
    expect(config).toEqual(loadConfig({ files: names, env: {} }).config);
    expect(warnings).toEqual([]);
    expect(config.security.private_key_filepath).toBe(join(folder, 'security/private.pem'));
    expect(config.dev_api.auth_key).toBe('some-secret-key');
    expect(imported.untranslated).toEqual([
      'confs/conf.ini:8: [api] debug: ignored: the log level is set by [logging] level',
    ]);
    expect(imported.notes).toEqual([]);
  });

  test('keys from before are renamed, the later file overrides, and a relative path is pointed out', () => {
    const folder = folderOf({
      'conf.ini':
        '[websocket]\nurl = ws://old.example\nport = 1\n[ssl]\ncrt = a.pem\nkey = /b.pem\n[mine]\nx = 1\n',
      'gateway_server/confs/config.ini': '[websocket]\nport=2\n',
    });
    const imported = translate(folder);
    const { config } = reload(imported);
    expect(config.websocket).toMatchObject({ host: 'old.example', port: 2 });
    expect(config.websocket_ssl).toMatchObject({ crt: 'a.pem', key: '/b.pem' });
    expect(imported.untranslated).toEqual(['conf.ini:8: mine.x: not a setting of swob']);
    expect(imported.notes).toEqual([
      '[websocket] port: gateway_server/confs/config.ini:2 overrides conf.ini:3',
      '[websocket_ssl] crt is a relative path: swob looks for it in the folder in which it is started',
    ]);
  });

  test('a file that has keys of swob already keeps its passwords', () => {
    const url = 'redis://:hunter2@localhost/1';
    const imported = translate(folderOf({ 'conf.ini': `[store]\nurl = ${url}\n` }));
    expect(reload(imported).config.store.url).toBe(url);
  });

  test('what production needs besides is named, and the text is there to complete', () => {
    const imported = translate(folderOf({ 'conf.ini': '[api]\nhost = 0.0.0.0\nstate = production\n' }));
    expect(imported.errors).toEqual([
      expect.stringMatching(/^\[api\] host = 0\.0\.0\.0 needs \[api\] public_url/),
    ]);
    expect(imported.text).toContain('state = production');
  });
});

test('a path that the system does not follow is an error of the configuration, which names it', () => {
  const folder = folderOf({ 'conf.ini': '' });
  symlinkSync('log4j2.xml', join(folder, 'log4j2.xml'));
  expect(() => importConfig(folder, {})).toThrow(
    expect.objectContaining({
      code: 'CONFIG',
      message: expect.stringContaining(`cannot read ${join(folder, 'log4j2.xml')}: ELOOP`),
    }),
  );
});

test('errors of all files are reported together, with their places', () => {
  const folder = folderOf({
    'conf.ini': '[api]\nport = x\nstate\n',
    'application.conf': 'pcrf {\n  host = a:b\n}',
    'log4j2.xml': '<Configuration>\n</Other>',
  });
  const imported = importConfig(folder, {});
  const faults = 'faults' in imported ? imported.faults : [];
  expect(faults.map((fault) => fault.replaceAll(`${folder}/`, ''))).toEqual([
    'conf.ini:3: expected [section] or key = value',
    'application.conf:2: ":" must be in double quotes to be part of a value',
    'log4j2.xml:2: unexpected close tag.',
    'conf.ini:2: [api] port: expected a whole number from 0 to 65535, not "x"',
  ]);
});
