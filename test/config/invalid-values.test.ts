// Invalid configurations, and the message for each error.

import { describe, expect, test } from 'vitest';
import { storeRules } from '../../src/app/compose/store-adapters.ts';
import { crossFieldErrors } from '../../src/config/cross-field.ts';
import { loadConfig } from '../../src/config/load.ts';
import { configFile } from '../support/config-files.ts';
import { loadErrors, loadErrorsOfText, noSources } from './load-errors.ts';

describe('invalid values', () => {
  test('errors are reported together, in the order of the file, with file and line', () => {
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
    const errors = loadErrors({
      files: [file],
      env: { SWOB_API_PROT: '1', SWOB_SYNC_MAX_SESSIONS: 'x' },
      setOptions: ['api.port', 'sync.nope=1'],
    });
    expect(errors.map((message) => message.replaceAll(file, 'FILE'))).toEqual([
      'FILE:1: stray is set before the first [section]; move it into a section',
      'FILE:3: [api] port: expected a whole number from 0 to 65535, not "abc"',
      'FILE:4: unknown key api.hots (did you mean api.host?)',
      'FILE:5: [api] state: a ";" or "#" would start a comment; put the value in double quotes',
      'FILE:6: [api] origins: a ";" or "#" would start a comment; put the value in double quotes',
      'FILE:7: expected [section] or key = value',
      'FILE:9: [api] host is already set on line 8; remove one of the two',
      'FILE:11: unknown key __proto__.polluted',
      'FILE:13: unknown key constructor.name',
      'FILE:15: [seeds] expiry: expected a duration from 1s to 1d, not "0"',
      'FILE:16: unknown key seeds.constructor',
      'environment SWOB_API_PROT: unknown key (did you mean SWOB_API_PORT?)',
      'environment SWOB_SYNC_MAX_SESSIONS: [sync] max_sessions: expected a whole number from 1 to 10000000, not "x"',
      '--set: expected section.key=value, such as api.port=7000',
      '--set: unknown key sync.nope',
    ]);
    expect({}).not.toHaveProperty('polluted');
  });

  test('errors of several files are reported together, file by file', () => {
    const files = [configFile('[api]\n\n\nport=x\n'), configFile('[api]\nport=y\nhost\n')];
    const places = loadErrors({ files }).map((message) => message.split(': ')[0]);
    expect(places).toEqual([`${files[0]}:4`, `${files[1]}:2`, `${files[1]}:3`]);
  });

  test('errors of an application.conf are reported with their lines', () => {
    const text = 'pcrf.host = [1]\npcrf.pool = 1\nvalidation = 2\npcrf.port = []\n';
    const file = configFile(text, 'application.conf');
    const places = loadErrors({ files: [configFile('')], hocon: file }).map(
      (message) => message.split(': ')[0],
    );
    expect(places).toEqual([1, 2, 3, 4].map((line) => `${file}:${line}`));
  });

  test('errors beyond the first 50 are only counted', () => {
    const load = (lines: number) => () =>
      loadConfig({ files: [configFile(`[api]\n${'x\n'.repeat(lines)}`)], env: {} });
    expect(load(50)).toThrow(/50 errors:\n(?: {2}\S+:\d+: expected .*\n?){50}$/);
    expect(load(1_000)).toThrow(/1000 errors:\n(?: {2}\S+:\d+: expected .*\n){50} {2}and 950 more$/);
  });

  test('an error for a key in the wrong section names the right one', () => {
    expect(loadErrorsOfText('[api]\nmax_connections=1')).toEqual([
      'FILE:2: unknown key api.max_connections (did you mean sync.max_connections?)',
    ]);
  });

  test('the same key under its old and its new name is a duplicate', () => {
    expect(
      loadErrorsOfText('[sync]\nsession_change_limit=3\n[websocket_sync]\nsession_change_limit=4'),
    ).toEqual(['FILE:4: sync.session_change_limit is already set on line 2; remove one of the two']);
  });

  test('line numbers match those of an editor with a byte order mark and Windows line ends', () => {
    expect(loadErrorsOfText('\uFEFF[api]\r\n\r\nport = abc\r\n')).toEqual([
      'FILE:3: [api] port: expected a whole number from 0 to 65535, not "abc"',
    ]);
  });

  test('a missing file, or a folder', () => {
    for (const file of ['/nowhere/conf.ini', '/']) {
      const load = () => loadConfig({ files: [file], env: {} });
      expect(load).toThrow(expect.objectContaining({ code: 'CONFIG', exitCode: 78 }));
      expect(load).toThrow(`cannot read the configuration file ${file}`);
    }
  });

  test('settings that contradict each other', () => {
    const setOptions = [
      'api.state=production',
      'api.host=0.0.0.0',
      'api_ssl.crt=a.pem',
      'websocket_ssl.key=b.pem',
      'security.public_key_filepath=data/security/private.pem',
      'disconnect_ssl.crt=c.pem',
      'pcrf.pool.min=21',
    ];
    expect(loadErrors({ files: [configFile('')], setOptions })).toEqual([
      '[api_ssl] crt and key belong together: set both or neither',
      '[websocket_ssl] crt and key belong together: set both or neither',
      '[disconnect_ssl] crt and key belong together: set both or neither',
      '[api] host = 0.0.0.0 needs [api] public_url or [api] public_host in production: clients cannot reach a wildcard address',
      '[security] public_key_filepath and private_key_filepath name the same file: choose two files',
      '[pcrf.pool] min = 21 exceeds max = 20',
    ]);
    expect(crossFieldErrors(loadConfig(noSources).config)).toEqual([]);
  });

  test('keys or tokens that share a file, however it is written, and a password for phones', () => {
    const setOptions = [
      'security.admin_token_filepath=./data/../data/security/private.pem',
      'user_management_api.api_url=http://:hunter2@users.example.org',
    ];
    expect(loadErrors({ files: [configFile('')], setOptions })).toEqual([
      '[user_management_api] api_url is sent to phones with every logo URL: remove the user and password from it',
      '[security] private_key_filepath and admin_token_filepath name the same file: choose two files',
    ]);
  });

  test('a malformed value is quoted without what may be its password or query', () => {
    const setOptions = [
      'store.url=redis:/:hunter2@localhost',
      'publisher.host=user:hunter2@localhost',
      'dev_api.authentication_url=htp://user:hun//ter2@localhost/auth?key=hunter2',
      'api.public_url=user:hunter2@localhost/',
    ];
    const errors = loadErrors({ files: [configFile('')], setOptions }, storeRules);
    expect(errors.map((message) => /, not "(.*)"$/.exec(message)?.[1])).toEqual([
      '…@localhost',
      '…@localhost',
      'htp://…@localhost/auth?…',
      '…@localhost/',
    ]);
  });

  test('in production each service that listens on a wildcard needs a public URL, or both a public host', () => {
    const wildcards = ['api.state=production', 'api.host=0.0.0.0', 'websocket.host=::0'];
    const accepted = (...more: string[]) =>
      loadConfig({ ...noSources, setOptions: [...wildcards, ...more] }).config.api.state === 'production';
    const faulty = (...more: string[]) =>
      loadErrors({ files: [configFile('')], setOptions: [...wildcards, ...more] }).map((message) =>
        message.replace(/ in production.*/, ''),
      );
    const api = '[api] host = 0.0.0.0 needs [api] public_url or [api] public_host';
    const websocket = '[websocket] host = ::0 needs [websocket] public_url or [api] public_host';
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

  test('a public URL together with a public host of the gateway', () => {
    const both = ['api.public_host=gw.example.org', 'api.public_url=https://gw.example.org'];
    expect(loadErrors({ files: [configFile('')], setOptions: both })).toEqual([
      '[api] public_url and public_host exclude each other: remove public_host, since public_url contains the host',
    ]);
    const setOptions = ['api.public_host=gw.example.org', 'websocket.public_url=wss://ws.example.org'];
    expect(loadConfig({ ...noSources, setOptions }).config.websocket.public_url).toBe('wss://ws.example.org');
  });

  test('addresses, origins, public names and store URLs that would otherwise fail later', () => {
    const setOptions = [
      'api.trusted_proxies=127.0.0.1/99',
      'api.public_host=https://gw.example.org',
      'api.public_url=gw.example.org',
      'websocket.public_url=https://gw.example.org',
      'api.origins=https://x/',
      'store.url=./data',
      'disconnect.nas_allow=abc',
    ];
    const errors = loadErrors({ files: [configFile('')], setOptions });
    expect(errors.map((message) => /^--set: (\[\w+\] \w+): expected/.exec(message)?.[1])).toEqual([
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
    const errors = (...setOptions: string[]) => loadErrors({ files: [configFile('')], setOptions });
    const needsSecret = '[validation] algorithms contains HS256, which needs secret_file';
    expect(errors('validation.algorithms=RS256, HS256')).toEqual([needsSecret]);
    const useless =
      '[validation] secret_file is only for HS256: add HS256 to algorithms, or remove secret_file';
    expect(errors('validation.secret_file=a.secret')).toEqual([useless]);
    expect(
      errors('validation.algorithms=HS256', 'validation.secret_file=a', 'validation.public_key=./a'),
    ).toEqual(['[validation] secret_file and public_key name the same file: a public key is not a secret']);
    const { config } = loadConfig({
      ...noSources,
      setOptions: ['validation.algorithms=HS256,RS512', 'validation.secret_file=a'],
    });
    expect(config.validation.algorithms).toEqual(['RS512', 'HS256']);
  });
});
