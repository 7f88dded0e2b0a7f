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

  test('the defaults of the disconnect service are those of the old one', () => {
    const { config } = loadConfig(nowhere);
    expect([config.disconnect, config.pcrf, config['pcrf.pool'], config.validation]).toEqual([
      { host: '0.0.0.0', port: 9096, legacy_status: false, nas_allow: [], hocon: '' },
      { host: 'localhost', port: 7070, timeout: 10_000 },
      { min: 1, max: 20, wait_timeout: 5_000 },
      {
        public_key: '/etc/eltex-doors/keys/public.pem',
        algorithms: ['RS256'],
        issuer: '',
        audience: '',
        leeway: 0,
        max_lifetime: 0,
        secret_file: '',
      },
    ]);
    expect(config.limits.disconnects).toEqual({ count: 6_000, windowMs: 60_000 });
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
    ]).toEqual(['127.0.0.1', 6969, [], 9200, 'testing']);
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
      Object.keys(keys).map((key) => `${section}_${key}`.replaceAll('.', '_')),
    );
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('what is refused', () => {
  test('faults are told together, in the order of the file, with file and line', () => {
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
      'FILE:3: [api] port: expected a whole number from 0 to 65535, not "abc"',
      'FILE:4: unknown key api.hots',
      'FILE:5: [api] state: a ";" or "#" would cut the value; put the value in double quotes',
      'FILE:6: [api] origins: a ";" or "#" would cut the value; put the value in double quotes',
      'FILE:7: neither a [section] nor key = value',
      'FILE:9: [api] host stands on line 8 already',
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

  test('faults of several files are told together, file by file', () => {
    const files = [configFile('[api]\n\n\nport=x\n'), configFile('[api]\nport=y\nhost\n')];
    const places = faultsOf({ files }).map((fault) => fault.split(': ')[0]);
    expect(places).toEqual([`${files[0]}:4`, `${files[1]}:2`, `${files[1]}:3`]);
  });

  test('faults of an application.conf are told by line', () => {
    const text = 'pcrf.host = [1]\npcrf.pool = 1\nvalidation = 2\npcrf.port = []\n';
    const file = configFile(text, 'application.conf');
    const places = faultsOf({ files: [configFile('')], hocon: file }).map((fault) => fault.split(': ')[0]);
    expect(places).toEqual([1, 2, 3, 4].map((line) => `${file}:${line}`));
  });

  test('of more than 50 faults the rest is counted', () => {
    const load = (lines: number) => () =>
      loadConfig({ files: [configFile(`[api]\n${'x\n'.repeat(lines)}`)], env: {} });
    expect(load(50)).toThrow(/50 fault\(s\):\n(?: {2}\S+:\d+: neither a .*\n?){50}$/);
    expect(load(1_000)).toThrow(/1000 fault\(s\):\n(?: {2}\S+:\d+: neither a .*\n){50} {2}and 950 more$/);
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
      'disconnect_ssl.crt=c.pem',
      'pcrf.pool.min=21',
    ];
    expect(faultsOf({ files: [configFile('')], overrides })).toEqual([
      '[api_ssl] crt and key go together: set both or neither',
      '[websocket_ssl] crt and key go together: set both or neither',
      '[disconnect_ssl] crt and key go together: set both or neither',
      '[api] host = 0.0.0.0 needs [api] public_url or [api] public_host in production: clients cannot call a wildcard',
      '[security] public_key_filepath and private_key_filepath name the same file',
      '[pcrf.pool] min = 21 is more than max = 20',
    ]);
    expect(contradictions(loadConfig(nowhere).config)).toEqual([]);
  });

  test('in production each service that listens on a wildcard needs a public URL, or both a public host', () => {
    const wildcards = ['api.state=production', 'api.host=0.0.0.0', 'websocket.host=::'];
    const accepted = (...more: string[]) =>
      loadConfig({ ...nowhere, overrides: [...wildcards, ...more] }).config.api.state === 'production';
    const faulty = (...more: string[]) =>
      faultsOf({ files: [configFile('')], overrides: [...wildcards, ...more] }).map((fault) =>
        fault.replace(/ in production.*/, ''),
      );
    const api = '[api] host = 0.0.0.0 needs [api] public_url or [api] public_host';
    const websocket = '[websocket] host = :: needs [websocket] public_url or [api] public_host';
    const apiUrl = 'api.public_url=https://gw.example.org';
    const websocketUrl = 'websocket.public_url=wss://gw.example.org';
    expect([faulty(), faulty(apiUrl), faulty(websocketUrl)]).toEqual([[api, websocket], [websocket], [api]]);
    expect([accepted(apiUrl, websocketUrl), accepted('api.public_host=gw.example.org')]).toEqual([
      true,
      true,
    ]);
    const tls = ['websocket_ssl.crt=a', 'websocket_ssl.key=b', 'websocket_ssl.host=ws.example.org'];
    expect(accepted(apiUrl, ...tls)).toBe(true);
  });

  test('a public URL and a public host of the gateway', () => {
    const both = ['api.public_host=gw.example.org', 'api.public_url=https://gw.example.org'];
    expect(faultsOf({ files: [configFile('')], overrides: both })).toEqual([
      '[api] public_url and public_host exclude each other: public_url holds the host already',
    ]);
    const overrides = ['api.public_host=gw.example.org', 'websocket.public_url=wss://ws.example.org'];
    expect(loadConfig({ ...nowhere, overrides }).config.websocket.public_url).toBe('wss://ws.example.org');
  });

  test('addresses, origins, public names and store URLs that would only fail later', () => {
    const overrides = [
      'api.trusted_proxies=127.0.0.1/99',
      'api.public_host=https://gw.example.org',
      'api.public_url=gw.example.org',
      'websocket.public_url=https://gw.example.org',
      'api.origins=https://x/',
      'store.url=file://host/x',
      'disconnect.nas_allow=abc',
    ];
    const faults = faultsOf({ files: [configFile('')], overrides });
    expect(faults.map((fault) => /^--set: (\[\w+\] \w+): expected/.exec(fault)?.[1])).toEqual([
      '[api] trusted_proxies',
      '[api] public_host',
      '[api] public_url',
      '[websocket] public_url',
      '[api] origins',
      '[store] url',
      '[disconnect] nas_allow',
    ]);
  });

  test('HS256 without a secret, a secret without HS256, and a public key as the secret', () => {
    const faults = (...overrides: string[]) => faultsOf({ files: [configFile('')], overrides });
    const needsSecret = '[validation] algorithms names HS256, which needs a secret_file';
    expect(faults('validation.algorithms=RS256, HS256')).toEqual([needsSecret]);
    const useless = '[validation] secret_file is for HS256 only, which algorithms does not name';
    expect(faults('validation.secret_file=a.secret')).toEqual([useless]);
    expect(
      faults('validation.algorithms=HS256', 'validation.secret_file=a', 'validation.public_key=./a'),
    ).toEqual(['[validation] secret_file and public_key name the same file: a public key is no secret']);
    const { config } = loadConfig({
      ...nowhere,
      overrides: ['validation.algorithms=HS256,RS512', 'validation.secret_file=a'],
    });
    expect(config.validation.algorithms).toEqual(['RS512', 'HS256']);
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
      `api.public_url=https://me:${secret}@host`,
      `api.origins=https://me:${secret}@host`,
    ];
    const faults = faultsOf({ files: [file], overrides, env: { SWOB_SECRET: secret } });
    expect(faults).toHaveLength(11);
    expect(faults.join('\n')).not.toContain('hunter2');
  });

  test('the keys that hold one are marked', () => {
    const marked = loadConfig(nowhere).settings.filter(({ definition }) => definition.secret);
    expect(marked.map(({ section, key }) => `${section}.${key}`)).toEqual([
      'seeds.token_secret',
      'store.password',
      'store.sentinel_password',
      'dev_api.auth_key',
      'broker.url',
      'broker.management_password',
      'outgoing.setup_key',
      'outgoing.callback_secret',
      'twilio.auth_token',
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
    const { dev_api, backend_publisher, publisher } = config;
    expect([dev_api.auth_key, backend_publisher.host, backend_publisher.port, publisher.port]).toEqual([
      'some-secret-key',
      '127.0.0.1',
      15_000,
      9200,
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
