// conf.ini files of the old server: every key that its example files had, in the syntax of Python's configparser.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { configFile } from '../support/config-files.ts';
import { temporaryFolder } from '../support/folders.ts';

const fixture = (name: string) => `test/config/fixtures/${name}.conf.ini`;

const ssl = 'crt key pem';
const sync = 'session_change_limit session_sleep_timeout session_paused_timeout';
const keyPaths = 'public_key_filepath private_key_filepath';
const api = 'host port debug state';
const users = 'api_url verification_url platforms_url';

/** The keys of the example files by section, in the order of the old server (October 2021 to November 2022). */
const exampleFiles: Record<string, Record<string, string>> = {
  'cluster, 2021-10': { ADMIN: 'auth_key auth_id', AUTHENTICATION: 'url' },
  'cluster, 2022-01': {
    ADMIN: 'auth_key auth_id',
    AUTHENTICATION: 'url',
    API: 'host port',
    rabbit_mq: 'server_url queue_name exchange_name exchange_type',
  },
  'sync, 2022-02-11': { websocket: 'url port', sync, server: 'url port', ssl: `${ssl} url` },
  'sync, 2022-02-18': { websocket: 'url port', sync, server: 'url port debug', ssl: `${ssl} url` },
  'sync, 2022-02-21': { websocket: 'url port', sync, server: 'host port debug', ssl: `${ssl} url` },
  'sync, 2022-02-24': { websocket: 'host port debug', websocket_sync: sync, websocket_ssl: `${ssl} url` },
  'sync, 2022-02-28': {
    websocket: 'host port debug',
    websocket_sync: sync,
    websocket_ssl: ssl,
    user_management_api: users,
  },
  'sync, 2022-05': {
    security: keyPaths,
    websocket: 'host port debug',
    websocket_sync: sync,
    websocket_ssl: `${ssl} host`,
    user_management_api: users,
  },
  'api, 2022-02': { security: keyPaths, api: 'url host port debug', api_ssl: `${ssl} url` },
  'api, 2022-04': { security: keyPaths, api, api_ssl: ssl, user_management_api: users },
  'api, 2022-05-07': { security: keyPaths, api, api_ssl: ssl, seeds: 'api_endpoint' },
  'api, 2022-05-12': {
    api,
    api_ssl: ssl,
    user_management_api: users,
    seeds: 'api_endpoint',
    dev_api: 'auth_id auth_key authentication_url',
    backend_publisher: 'endpoint port',
    publisher: 'endpoint port',
  },
};

/** Sample values of the keys. */
function exampleValue(section: string, key: string): string {
  const values: Record<string, string> = {
    'websocket.url': 'ws://127.0.0.2',
    'websocket_ssl.url': 'wss://ws.example.org',
    'ssl.url': 'wss://ws.example.org',
    'api.state': 'testing',
    'backend_publisher.endpoint': '/decrypt',
    'publisher.endpoint': '/publish',
  };
  const byKey: Record<string, string> = {
    host: '127.0.0.2',
    port: '4321',
    debug: 'True',
    url: 'http://127.0.0.2',
    session_change_limit: '5',
    session_sleep_timeout: '7',
    session_paused_timeout: '8',
    public_key_filepath: 'security/a.pem',
    private_key_filepath: 'security/b.pem',
    api_url: 'http://127.0.0.2:9000',
    verification_url: 'http://127.0.0.2:9000/v2/users/%s/verify',
    platforms_url: 'http://127.0.0.2:9000/v2/users/%s/platforms',
    api_endpoint: 'http://127.0.0.2:6969/seeds',
    authentication_url: 'http://127.0.0.2:13000/v1/authenticate',
    crt: '',
    key: '',
    pem: '',
  };
  return values[`${section}.${key}`] ?? byKey[key] ?? 'text';
}

function textOf(file: Record<string, string>, line: (key: string, value: string) => string): string {
  return Object.entries(file)
    .flatMap(([section, keys]) => [
      `[${section}]`,
      '; a comment',
      ...keys.split(' ').map((key) => line(key, exampleValue(section, key))),
    ])
    .join('\n');
}

describe('every example file of the old server', () => {
  test.each(Object.entries(exampleFiles))(
    '%s: loads, and reports the new name or removal of each old key',
    (_name, file) => {
      const load = (line: (key: string, value: string) => string) => {
        const path = configFile(textOf(file, line), 'confs/conf.ini');
        const { config, warnings } = loadConfig({ files: [path], env: {} });
        return { config, warnings, home: dirname(dirname(path)) };
      };
      const written = load((key, value) => `${key}=${value}`);
      const port = (file.API ?? file.api)?.includes('port')
        ? written.config.api.port
        : written.config.websocket.port;
      if (JSON.stringify(file).includes('port')) expect(port).toBe(4321);
      if (file.websocket) expect(written.config.websocket.host).toBe('127.0.0.2');
      if (file.websocket_sync ?? file.sync) expect(written.config.sync.session_sleep_timeout).toBe(7_000);
      if (file.security) {
        expect(written.config.security.private_key_filepath).toBe(join(written.home, 'security/b.pem'));
      }
      for (const [section, keys] of Object.entries(file)) {
        if (keys.includes('debug'))
          expect(written.warnings.join('\n')).toContain(`[${section}] debug: ignored`);
      }
      // In the syntax that Python's configparser writes and reads.
      for (const line of [
        (key: string, value: string) => `${key} = ${value}`,
        (key: string, value: string) => `${key}: ${value}`,
        (key: string, value: string) => `${key.toUpperCase()} : ${value}`,
      ]) {
        const other = load(line);
        const relocated = JSON.stringify(other.config).replaceAll(other.home, written.home);
        expect(JSON.parse(relocated)).toEqual(JSON.parse(JSON.stringify(written.config)));
      }
    },
  );
});

describe('the key files that an old conf.ini names', () => {
  /** Creates the old server's folder with key files at `place` and its conf.ini at `conf`. */
  function oldServer(conf: string, place: string, debug = 'debug = True') {
    const root = temporaryFolder();
    const write = (path: string, text: string) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    };
    const named = 'security/private.pem';
    write(join(place, named), 'a key');
    write(conf, `[api]\n${debug}\n[security]\nprivate_key_filepath = ${named}\n`);
    return { root, file: join(root, conf), key: join(root, place, named), named };
  }
  const pathIn = (file: string) =>
    loadConfig({ files: [file], env: {} }).config.security.private_key_filepath;

  test.each([
    ['gateway_server/confs/conf.ini', 'gateway_server'],
    ['confs/conf.ini', '.'],
    ['conf.ini', '.'],
    ['confs/conf.ini', 'confs'],
    ['gateway_server/confs/conf.ini', '.'],
  ])('of %s are found in %s, whatever the working folder', (conf, place) => {
    const { file, key } = oldServer(conf, place);
    expect(pathIn(file)).toBe(key);
    expect(pathIn(relative('.', file))).toBe(key);
  });

  test('that do not exist yet are created where the old server created them', () => {
    const { root, file } = oldServer('gateway_server/confs/conf.ini', 'elsewhere');
    expect(pathIn(file)).toBe(join(root, 'gateway_server/security/private.pem'));
  });

  test('stay as written when they are absolute, or in a current conf.ini', () => {
    const today = oldServer('confs/conf.ini', '.', 'host = 127.0.0.1');
    expect(pathIn(today.file)).toBe(today.named);
    const file = configFile('[api]\ndebug = True\n[security]\nprivate_key_filepath = /keys/b.pem\n');
    expect(pathIn(file)).toBe('/keys/b.pem');
  });

  test('are found in the working folder when they exist only there', () => {
    const { root, file, named } = oldServer('old/confs/conf.ini', '.');
    const before = process.cwd();
    onTestFinished(() => process.chdir(before));
    process.chdir(root);
    expect(pathIn(file)).toBe(named);
  });
});

describe('the last files of the old server, with values', () => {
  test('the file of the API loads unchanged', () => {
    const { config, warnings } = loadConfig({ files: [fixture('old-api')], env: {} });
    expect([config.api.port, config.api.state, config.seeds.api_endpoint]).toEqual([
      6969,
      'testing',
      'https://staging.example.org:15000/seeds',
    ]);
    expect(config.security.private_key_filepath).toBe(resolve('test/config/fixtures/security/private.pem'));
    expect(config.user_management_api.verification_url).toBe(
      'https://staging.example.org:9000/v2/users/%s/verify',
    );
    const { dev_api, backend_publisher, publisher } = config;
    expect([dev_api.auth_key, backend_publisher.host, backend_publisher.port, publisher.port]).toEqual([
      'some-secret-key',
      '127.0.0.1',
      15_000,
      9200,
    ]);
    expect(warnings.at(-1)).toBe(
      `${fixture('old-api')}:8: [api] debug: ignored: the log level is set by [logging] level`,
    );
  });

  test('the file of the sync websocket loads unchanged, under the new names', () => {
    const { config, warnings } = loadConfig({ files: [fixture('old-sync')], env: {} });
    expect(config.sync).toMatchObject({
      session_change_limit: 4,
      session_sleep_timeout: 15_000,
      session_paused_timeout: 90_500,
    });
    expect(warnings).toHaveLength(3);
    expect(warnings[0]).toBe(
      `${fixture('old-sync')}:13: [websocket_sync] session_change_limit: renamed to sync.session_change_limit`,
    );
  });

  test('an older file of the sync websocket loads, and obsolete keys are reported', () => {
    const { config, warnings } = loadConfig({ files: [fixture('older-sync')], env: {} });
    expect([
      config.websocket.host,
      config.websocket.port,
      config.websocket_ssl.host,
      config.api.host,
    ]).toEqual(['localhost', 7996, 'localhost', '127.0.0.1']);
    expect(warnings).toHaveLength(8);
  });

  test('both files load together', () => {
    const { config } = loadConfig({ files: [fixture('old-api'), fixture('old-sync')], env: {} });
    expect([config.seeds.api_endpoint, config.sync.session_change_limit]).toEqual([
      'https://staging.example.org:15000/seeds',
      4,
    ]);
  });
});
