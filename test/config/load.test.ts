// The configuration put together from files, the environment and --set, and everything that is refused.

import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { contradictions } from '../../src/config/contradictions.ts';
import { exampleFile } from '../../src/config/example.ts';
import { type ConfigSources, loadConfig } from '../../src/config/load.ts';
import { schema } from '../../src/config/schema.ts';
import { SwobError } from '../../src/errors.ts';
import { configFile } from '../support/config-files.ts';

const fixture = (name: string) => `test/config/fixtures/${name}.conf.ini`;
/** An empty file, because with none a confs/conf.ini of this checkout would be read. */
const nowhere = { files: ['/dev/null'], env: {} };

/** The lines of faults of a configuration that is refused. */
function faultsOf(sources: ConfigSources): string[] {
  try {
    loadConfig({ env: {}, ...sources });
  } catch (error) {
    if (!(error instanceof SwobError)) throw error;
    expect([error.code, error.exit]).toEqual(['CONFIG', 78]);
    const [head, ...faults] = error.message.split('\n  ');
    expect(head).toBe(`the configuration has ${faults.length} fault(s):`);
    return faults;
  }
  throw new Error('the configuration was accepted');
}

/** The same for the text of one file, with `FILE` for its path. */
function faultsOfText(text: string): string[] {
  const file = configFile(text);
  return faultsOf({ files: [file] }).map((fault) => fault.replaceAll(file, 'FILE'));
}

function origin(sources: ConfigSources, name: string): string | undefined {
  const { settings } = loadConfig({ env: {}, ...sources });
  return settings.find(({ section, key }) => `${section}.${key}` === name)?.origin;
}

describe('layers', () => {
  const file = () => configFile('[api]\nhost = 10.0.0.1\nport = 1\n[sync]\nmax_connections = 7\n');

  test('with nothing given every key has its default', () => {
    const { config, notes, settings } = loadConfig(nowhere);
    expect([config.api.port, config.sync.session_paused_timeout, config.limits.passwords]).toEqual([
      6969,
      120_000,
      { count: 5, windowMs: 900_000 },
    ]);
    expect(notes).toEqual([]);
    expect(new Set(settings.map((setting) => setting.origin))).toEqual(new Set(['default']));
  });

  test('the file goes before defaults, the environment before the file, --set before all', () => {
    const files = [file()];
    const env = { SWOB_API_PORT: '2', SWOB_WEBSOCKET_PORT: '3' };
    expect(loadConfig({ files, env: {} }).config.api.port).toBe(1);
    expect(loadConfig({ files, env }).config.api.port).toBe(2);
    const all = { files, env, overrides: ['api.port=4'] };
    const { config } = loadConfig(all);
    expect([config.api.port, config.websocket.port, config.api.host, config.sync.max_connections]).toEqual([
      4,
      3,
      '10.0.0.1',
      7,
    ]);
    expect(['api.port', 'websocket.port', 'api.host', 'api.state'].map((name) => origin(all, name))).toEqual([
      '--set',
      'environment SWOB_WEBSOCKET_PORT',
      `${files[0]}:2`,
      'default',
    ]);
  });

  test('of several files the later one wins, key by key', () => {
    const files = [file(), configFile('[api]\nport = 9\n')];
    const { config } = loadConfig({ files, env: {} });
    expect([config.api.host, config.api.port]).toEqual(['10.0.0.1', 9]);
  });

  test('without a file named, confs/conf.ini of the working folder is read', () => {
    const folder = dirname(configFile('[api]\nport = 12\n', 'confs/conf.ini'));
    const before = process.cwd();
    onTestFinished(() => process.chdir(before));
    process.chdir(dirname(folder));
    expect(loadConfig({ env: {} }).config.api.port).toBe(12);
    expect(origin({}, 'api.port')).toBe('confs/conf.ini:2');
    expect(loadConfig({ files: ['/dev/null'], env: {} }).config.api.port).toBe(6969);
  });

  test('an empty value means the default', () => {
    const files = [configFile('[api]\nhost=\nport=\norigins=\n[publisher]\nport=\n')];
    const { config } = loadConfig({ files, env: { SWOB_API_STATE: '' } });
    expect([
      config.api.host,
      config.api.port,
      config.api.origins,
      config.publisher.port,
      config.api.state,
    ]).toEqual(['127.0.0.1', 6969, [], 0, 'testing']);
  });

  test('--set keeps what comes after the first equals sign', () => {
    const overrides = ['user_management_api.api_url=http://a/?b=c'];
    expect(loadConfig({ ...nowhere, overrides }).config.user_management_api.api_url).toBe('http://a/?b=c');
  });

  test('variables for secrets of commands, and those of other programs, are left alone', () => {
    const env = { SWOB_PASSWORD: 'x', SWOB_TOKEN: 'y', PATH: '/bin', SWOBBLE: 'z', SWOB_API_PORT: undefined };
    expect(loadConfig({ ...nowhere, env }).config.api.port).toBe(6969);
  });

  test('no two keys share an environment variable', () => {
    const names = Object.entries(schema).flatMap(([section, keys]) =>
      Object.keys(keys).map((key) => `${section}_${key}`),
    );
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('what is refused', () => {
  test('every fault is told at once, with file and line', () => {
    const text = [
      'stray = 1',
      '[api]',
      'port = abc',
      'hots = 127.0.0.1',
      'state = production ; really',
      'origins = a#b',
      'host',
      'host = a',
      'host = b',
      '[__proto__]',
      'polluted = yes',
      '[constructor]',
      'name = x',
      '[seeds]',
      'expiry = 0',
      'constructor = 1',
    ].join('\n');
    const file = configFile(text);
    const faults = faultsOf({
      files: [file],
      env: { SWOB_API_PROT: '1', SWOB_SYNC_MAX_SESSIONS: 'x' },
      overrides: ['api.port', 'sync.nope=1'],
    });
    expect(faults.map((fault) => fault.replaceAll(file, 'FILE'))).toEqual([
      'FILE:1: stray stands before the first [section]',
      'FILE:5: [api] state: a ";" or "#" would cut the value; put the value in double quotes',
      'FILE:6: [api] origins: a ";" or "#" would cut the value; put the value in double quotes',
      'FILE:7: neither a [section] nor key = value',
      'FILE:9: [api] host stands on line 8 already',
      'FILE:3: [api] port: expected a whole number from 0 to 65535, not "abc"',
      'FILE:4: unknown key api.hots',
      'FILE:11: unknown key __proto__.polluted',
      'FILE:13: unknown key constructor.name',
      'FILE:15: [seeds] expiry: expected a duration from 1s to 1d, not "0"',
      'FILE:16: unknown key seeds.constructor',
      'environment SWOB_API_PROT: no such key',
      'environment SWOB_SYNC_MAX_SESSIONS: [sync] max_sessions: expected a whole number from 1 to 10000000, not "x"',
      '--set: expected section.key=value, such as api.port=7000',
      '--set: unknown key sync.nope',
    ]);
    expect({}).not.toHaveProperty('polluted');
  });

  test('faults of several files are told together', () => {
    const files = [configFile('[api]\nport=x\n'), configFile('[api]\nport=y\n')];
    expect(faultsOf({ files })).toHaveLength(2);
  });

  test('a key in the wrong section is told where it belongs', () => {
    expect(faultsOfText('[api]\nmax_connections=1')).toEqual([
      'FILE:2: unknown key api.max_connections (did you mean sync.max_connections?)',
    ]);
  });

  test('the same key under its old and its new name is a duplicate', () => {
    expect(faultsOfText('[sync]\nsession_change_limit=3\n[websocket_sync]\nsession_change_limit=4')).toEqual([
      'FILE:4: sync.session_change_limit stands on line 2 already',
    ]);
  });

  test('a file with a byte order mark and the line ends of Windows counts its lines as an editor does', () => {
    expect(faultsOfText('\uFEFF[api]\r\n\r\nport = abc\r\n')).toEqual([
      'FILE:3: [api] port: expected a whole number from 0 to 65535, not "abc"',
    ]);
  });

  test('a file that is not there, or is a folder', () => {
    for (const file of ['/nowhere/conf.ini', '/']) {
      const load = () => loadConfig({ files: [file], env: {} });
      expect(load).toThrow(expect.objectContaining({ code: 'CONFIG', exit: 78 }));
      expect(load).toThrow(`cannot read the configuration file ${file}`);
    }
  });

  test('settings that contradict each other', () => {
    const overrides = [
      'api.state=production',
      'api.host=0.0.0.0',
      'api_ssl.crt=a.pem',
      'websocket_ssl.key=b.pem',
      'security.public_key_filepath=data/security/private.pem',
    ];
    expect(faultsOf({ files: [configFile('')], overrides })).toEqual([
      '[api_ssl] crt and key go together: set both or neither',
      '[websocket_ssl] crt and key go together: set both or neither',
      '[api] host = 0.0.0.0 needs [api] public_host in production: clients cannot call a wildcard',
      '[security] public_key_filepath and private_key_filepath name the same file',
    ]);
    expect(contradictions(loadConfig(nowhere).config)).toEqual([]);
  });
});

describe('secrets', () => {
  const secret = 'hunter2-hunter2';

  test('never stand in a message, however they are given', () => {
    const file = configFile(
      `[dev_api]\nauth_key ${secret}\nauth_key="${secret}" "\nauth_key=${secret};\n${secret}\n[seeds]\ntoken_secret=${secret}\ntoken_secret=${secret}\n`,
    );
    const overrides = [
      `dev_api.auth_key ${secret}`,
      `=${secret}`,
      `user_management_api.api_url=ftp://me:${secret}@host`,
    ];
    const faults = faultsOf({ files: [file], overrides, env: { SWOB_SECRET: secret } });
    expect(faults).toHaveLength(9);
    expect(faults.join('\n')).not.toContain('hunter2');
  });

  test('the keys that hold one are marked', () => {
    const marked = loadConfig(nowhere).settings.filter(({ definition }) => definition.secret);
    expect(marked.map(({ section, key }) => `${section}.${key}`)).toEqual([
      'seeds.token_secret',
      'dev_api.auth_key',
    ]);
  });
});

describe('the example file', () => {
  test('is what the table says', () => {
    expect(readFileSync('confs/example.conf.ini', 'utf8')).toBe(exampleFile());
  });

  test('loads to the defaults, names every key and needs no old name', () => {
    const { config, notes, settings } = loadConfig({ files: ['confs/example.conf.ini'], env: {} });
    expect(config).toEqual(loadConfig(nowhere).config);
    expect(notes).toEqual([]);
    expect(settings.filter((setting) => !setting.origin.startsWith('confs/example.conf.ini:'))).toEqual([]);
  });
});

describe('files of the old server', () => {
  test('the one of the API loads as it is', () => {
    const { config, notes } = loadConfig({ files: [fixture('old-api')], env: {} });
    expect([config.api.port, config.api.state, config.seeds.api_endpoint]).toEqual([
      6969,
      'testing',
      'https://staging.example.org:15000/seeds',
    ]);
    expect(config.security.private_key_filepath).toBe('security/private.pem');
    expect(config.user_management_api.verification_url).toBe(
      'https://staging.example.org:9000/v2/users/%s/verify',
    );
    expect([config.dev_api.auth_key, config.backend_publisher.port, config.publisher.port]).toEqual([
      'some-secret-key',
      15_000,
      0,
    ]);
    expect(notes).toEqual([`${fixture('old-api')}:8: [api] debug: debug output is [logging] level now`]);
  });

  test('the one of the sync websocket loads as it is, under the new names', () => {
    const { config, notes } = loadConfig({ files: [fixture('old-sync')], env: {} });
    expect(config.sync).toMatchObject({
      session_change_limit: 4,
      session_sleep_timeout: 15_000,
      session_paused_timeout: 90_500,
    });
    expect(notes).toHaveLength(3);
    expect(notes[0]).toBe(
      `${fixture('old-sync')}:13: [websocket_sync] session_change_limit: now called sync.session_change_limit`,
    );
  });

  test('an older one of the sync websocket loads, and what has no use any more is told', () => {
    const { config, notes } = loadConfig({ files: [fixture('older-sync')], env: {} });
    expect([
      config.websocket.host,
      config.websocket.port,
      config.websocket_ssl.host,
      config.api.host,
    ]).toEqual(['localhost', 7996, 'localhost', '127.0.0.1']);
    expect(notes).toHaveLength(8);
  });

  test('both of them load together', () => {
    const { config } = loadConfig({ files: [fixture('old-api'), fixture('old-sync')], env: {} });
    expect([config.seeds.api_endpoint, config.sync.session_change_limit]).toEqual([
      'https://staging.example.org:15000/seeds',
      4,
    ]);
  });
});
