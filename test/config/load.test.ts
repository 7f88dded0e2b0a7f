// The configuration merged from files, the environment and --set; its secrets and its example file.

import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { exampleFile } from '../../src/config/example.ts';
import { loadConfig } from '../../src/config/load.ts';
import { schema } from '../../src/config/schema.ts';
import { configFile } from '../support/config-files.ts';
import { loadErrors, noSources, origin } from './load-errors.ts';

describe('layers', () => {
  const file = () => configFile('[api]\nhost = 10.0.0.1\nport = 1\n[sync]\nmax_connections = 7\n');

  test('every key has its default when nothing is given', () => {
    const { config, warnings, settings } = loadConfig(noSources);
    expect([config.api.port, config.sync.session_paused_timeout, config.limits.passwords]).toEqual([
      6969,
      120_000,
      { count: 5, windowMs: 900_000 },
    ]);
    expect(warnings).toEqual([]);
    expect(new Set(settings.map((setting) => setting.origin))).toEqual(new Set(['default']));
  });

  test('the disconnect service has the defaults of the old one', () => {
    const { config } = loadConfig(noSources);
    expect([config.disconnect, config.pcrf, config['pcrf.pool'], config.validation]).toMatchObject([
      { host: '0.0.0.0', port: 9096, legacy_status: false, nas_allow: [], empty_vrf: false, hocon: '' },
      { host: 'localhost', port: 7070, timeout: 10_000 },
      { min: 1, max: 20, wait_timeout: 5_000 },
      {
        public_key: '/etc/eltex-doors/keys/public.pem',
        algorithms: ['RS256'],
        issuer: '',
        audience: '',
        leeway: 5_000,
        max_lifetime: 0,
        secret_file: '',
      },
    ]);
    expect(config.limits.disconnects).toEqual({ count: 6_000, windowMs: 60_000 });
  });

  test('the file overrides defaults, the environment overrides the file, --set overrides all', () => {
    const files = [file()];
    const env = { SWOB_API_PORT: '2', SWOB_WEBSOCKET_PORT: '3' };
    expect(loadConfig({ files, env: {} }).config.api.port).toBe(1);
    expect(loadConfig({ files, env }).config.api.port).toBe(2);
    const all = { files, env, setOptions: ['api.port=4'] };
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

  test('later files override earlier ones, key by key', () => {
    const files = [file(), configFile('[api]\nport = 9\n')];
    const { config } = loadConfig({ files, env: {} });
    expect([config.api.host, config.api.port]).toEqual(['10.0.0.1', 9]);
  });

  test('without a named file, confs/conf.ini of the working folder is read', () => {
    const folder = dirname(configFile('[api]\nport = 12\n', 'confs/conf.ini'));
    const before = process.cwd();
    onTestFinished(() => process.chdir(before));
    process.chdir(dirname(folder));
    expect(loadConfig({ env: {} }).config.api.port).toBe(12);
    expect(origin({}, 'api.port')).toBe('confs/conf.ini:2');
    expect(loadConfig({ files: ['/dev/null'], env: {} }).config.api.port).toBe(6969);
    const env = { SWOB_CONFIG: configFile('[api]\nport = 13\n') };
    expect(loadConfig({ env }).config.api.port).toBe(13);
    expect(loadConfig({ files: ['/dev/null'], env }).config.api.port).toBe(6969);
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
    ]).toEqual(['127.0.0.1', 6969, [], 9200, 'testing']);
  });

  test('--set keeps everything after the first equals sign', () => {
    const setOptions = ['user_management_api.api_url=http://a/?b=c'];
    expect(loadConfig({ ...noSources, setOptions }).config.user_management_api.api_url).toBe('http://a/?b=c');
  });

  test('variables for secrets of commands, and those of other programs, are ignored', () => {
    const env = { SWOB_PASSWORD: 'x', SWOB_TOKEN: 'y', PATH: '/bin', SWOBBLE: 'z', SWOB_API_PORT: undefined };
    expect(loadConfig({ ...noSources, env }).config.api.port).toBe(6969);
  });

  test('no two keys share an environment variable', () => {
    const names = Object.entries(schema).flatMap(([section, keys]) =>
      Object.keys(keys).map((key) => `${section}_${key}`.replaceAll('.', '_')),
    );
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('secrets', () => {
  const secret = 'hunter2-hunter2';

  test('never appear in a message, whatever their source', () => {
    const file = configFile(
      `[dev_api]\nauth_key ${secret}\nauth_key="${secret}" "\nauth_key=${secret};\n${secret}\n[seeds]\ntoken_secret=${secret}\ntoken_secret=${secret}\n`,
    );
    const setOptions = [
      `dev_api.auth_key ${secret}`,
      `=${secret}`,
      `user_management_api.api_url=ftp://me:${secret}@host`,
      `api.public_url=https://me:${secret}@host`,
      `api.origins=https://me:${secret}@host`,
    ];
    const faults = loadErrors({ files: [file], setOptions, env: { SWOB_SECRET: secret } });
    expect(faults).toHaveLength(11);
    expect(faults.join('\n')).not.toContain('hunter2');
  });

  test('their keys are marked', () => {
    const marked = loadConfig(noSources).settings.filter(({ definition }) => definition.secret);
    expect(marked.map(({ section, key }) => `${section}.${key}`)).toEqual([
      'seeds.token_secret',
      'store.password',
      'store.sentinel_password',
      'dev_api.auth_key',
      'broker.url',
      'broker.management_password',
      'outgoing.setup_key',
      'outgoing.callback_secret',
      'outgoing.status_secret',
      'twilio.auth_token',
      'relay.tag',
    ]);
  });
});

describe('the example file', () => {
  test('matches the table of keys', () => {
    expect(readFileSync('confs/example.conf.ini', 'utf8')).toBe(exampleFile());
  });

  test('loads to the defaults, names every key and uses no old name', () => {
    const { config, warnings, settings } = loadConfig({ files: ['confs/example.conf.ini'], env: {} });
    expect(config).toEqual(loadConfig(noSources).config);
    expect(warnings).toEqual([]);
    expect(settings.filter((setting) => !setting.origin.startsWith('confs/example.conf.ini:'))).toEqual([]);
  });
});
