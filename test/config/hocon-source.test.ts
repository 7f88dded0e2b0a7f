// The application.conf of the old disconnect service mapped to our keys, and its precedence among the sources.

import { describe, expect, test } from 'vitest';
import { type ConfigSources, loadConfig } from '../../src/config/load.ts';
import { SwobError } from '../../src/errors.ts';
import { configFile } from '../support/config-files.ts';

const fixture = 'test/config/fixtures/old-disconnect.application.conf';

/** Loads only one application.conf; its path is replaced with `FILE`. */
function load(text: string, sources: ConfigSources = {}) {
  const hocon = configFile(text, 'application.conf');
  const hide = (line: string): string => line.replaceAll(hocon, 'FILE');
  try {
    const loaded = loadConfig({ files: ['/dev/null'], env: {}, hocon, ...sources });
    return { ...loaded, warnings: loaded.warnings.map(hide), errors: [] };
  } catch (error) {
    if (!(error instanceof SwobError) || error.code !== 'CONFIG') throw error;
    return { config: undefined, warnings: [], errors: error.message.split('\n  ').slice(1).map(hide) };
  }
}

describe('the file as the old service documents it', () => {
  test('is read with every key and its origin', () => {
    const { config, settings, warnings } = loadConfig({ files: ['/dev/null'], env: {}, hocon: fixture });
    expect([config.pcrf, config['pcrf.pool'], config.validation.public_key]).toEqual([
      expect.objectContaining({ host: 'localhost', port: 7070, timeout: 10_000 }),
      { min: 1, max: 20, wait_timeout: 5_000 },
      '/etc/eltex-doors/keys/public.pem',
    ]);
    expect(warnings).toEqual([]);
    const origins = settings.filter(({ origin }) => origin !== 'default');
    expect(origins.map(({ section, key, origin }) => `${origin} ${section}.${key}`)).toEqual([
      '--hocon disconnect.hocon',
      `${fixture}:2 pcrf.host`,
      `${fixture}:3 pcrf.port`,
      `${fixture}:4 pcrf.timeout`,
      `${fixture}:6 pcrf.pool.min`,
      `${fixture}:7 pcrf.pool.max`,
      `${fixture}:8 pcrf.pool.wait_timeout`,
      `${fixture}:12 validation.public_key`,
    ]);
  });

  test('may have another host in the block "pcrf", as in containers', () => {
    expect(load('pcrf {\n  host = 192.168.1.250\n}').config?.pcrf.host).toBe('192.168.1.250');
  });

  test('the fragments as printed, without comment signs and closing braces, are refused with their lines', () => {
    expect(load('pcrf { host = localhost IP-адрес сервера port = 7070 Порт сервера }').errors).toEqual([
      'FILE:1: "=" must be in double quotes to be part of a value',
    ]);
    expect(load('validation { public_key = /etc/eltex-doors/keys/public.pem').errors).toEqual([
      'FILE:1: the } for line 1 is missing',
    ]);
  });
});

describe('values', () => {
  test.each([
    ['10s', 10_000],
    ['10 seconds', 10_000],
    ['1 minute', 60_000],
    ['1500', 1_500],
    ['"2 s"', 2_000],
    ['250 millis', 250],
    ['0.5s', 500],
  ])('the duration %s is %i ms, as the library of the old service counts', (written, ms) => {
    expect(load(`pcrf.timeout = ${written}`).config?.pcrf.timeout).toBe(ms);
  });

  test('publicKey is an alias of public_key, and both together are a duplicate', () => {
    expect(load('validation.publicKey = a').config?.validation.public_key).toBe('a');
    expect(load('validation {\n public_key = a\n publicKey = b }').errors).toEqual([
      'FILE:3: validation.publicKey is already set on line 2; remove one of the two',
    ]);
  });

  test('null means not set', () => {
    expect(load('pcrf { host = null, pool = null }').config?.pcrf.host).toBe('localhost');
  });

  test('substitutions are replaced from the environment', () => {
    const env = { PCRF_HOST: 'pcrf.example' };
    const text = `pcrf { host = localhost, host = \${?PCRF_HOST}, port = \${?PCRF_PORT} }`;
    expect(load(text, { env }).config?.pcrf).toMatchObject({ host: 'pcrf.example', port: 7070 });
  });

  test('keys of libraries are warnings, one for each block', () => {
    const { warnings, config } = load(
      'akka { loglevel = INFO, x.y = 1 }\npcrf {\n retries = 3\n}\n"pcrf.host" = x',
    );
    expect(warnings).toEqual([
      'FILE:1: akka: not a setting of swob, ignored',
      'FILE:3: pcrf.retries: not a setting of swob, ignored',
      'FILE:5: "pcrf.host": not a setting of swob, ignored',
    ]);
    expect(config?.pcrf.host).toBe('localhost');
  });

  test('only the first of very many unknown keys are named', () => {
    const { warnings } = load(Array.from({ length: 2_000 }, (_, index) => `x${index} = 1`).join('\n'));
    expect([warnings.length, warnings.at(-1)]).toEqual([51, 'FILE: 1950 more keys are not settings of swob']);
  });
});

describe('errors', () => {
  test('all are reported together with those of the other sources', () => {
    const text = 'pcrf {\n  port = 70700\n  timeout = soon\n  pool = 5\n  host { a = 1 }\n}\nvalidation = x';
    const env = { PORT: 'http', SWOB_PCRF_POOL_MAX: '0' };
    expect(load(text, { env, setOptions: ['pcrf.pool.min=x'] }).errors).toEqual([
      'FILE:2: [pcrf] port: expected a whole number from 1 to 65535, not "70700"',
      'FILE:3: [pcrf] timeout: expected a duration such as 10s, 5m or a number of seconds, not "soon"',
      'FILE:4: pcrf.pool: expected a block, { … }',
      'FILE:5: pcrf.host: expected a single value',
      'FILE:7: validation: expected a block, { … }',
      'environment PORT: [disconnect] port: expected a whole number from 0 to 65535, not "http"',
      'environment SWOB_PCRF_POOL_MAX: [pcrf.pool] max: expected a whole number from 1 to 1000, not "0"',
      '--set: [pcrf.pool] min: expected a whole number from 0 to 1000, not "x"',
    ]);
  });

  test('a syntax error is reported with its line together with those of conf.ini', () => {
    const ini = configFile('[api]\nport = x\n');
    expect(load('pcrf {\n  host = a:b\n}', { files: [ini] }).errors).toEqual([
      `${ini}:2: [api] port: expected a whole number from 0 to 65535, not "x"`,
      'FILE:2: ":" must be in double quotes to be part of a value',
    ]);
  });

  test('a missing file is named', () => {
    expect(() => loadConfig({ files: ['/dev/null'], env: {}, hocon: '/nowhere/application.conf' })).toThrow(
      'cannot read the configuration file /nowhere/application.conf',
    );
  });
});

describe('precedence', () => {
  const ini = (hocon: string) =>
    configFile(
      `[disconnect]\nport = 1\nhocon = ${hocon}\n[pcrf]\nhost = ini\nport = 1\n[pcrf.pool]\nmax = 5\n`,
    );
  const application = () => configFile('pcrf { host = hocon }', 'application.conf');

  test('application.conf overrides the conf.ini that names it, key by key, and SWOB_* and --set override both', () => {
    const files = [ini(application())];
    const pcrf = (sources: ConfigSources) => loadConfig({ files, env: {}, ...sources }).config.pcrf;
    expect(pcrf({})).toMatchObject({ host: 'hocon', port: 1 });
    const env = { SWOB_PCRF_HOST: 'env' };
    expect(pcrf({ env }).host).toBe('env');
    expect(pcrf({ env, setOptions: ['pcrf.host=set'] }).host).toBe('set');
  });

  test('--hocon overrides the key, which may come from every source', () => {
    const files = [ini('/nowhere/application.conf')];
    const hocon = application();
    for (const sources of [
      { hocon },
      { hocon, setOptions: ['disconnect.hocon=/nowhere/other.conf'] },
      { env: { SWOB_DISCONNECT_HOCON: hocon } },
      { setOptions: [`disconnect.hocon=${hocon}`] },
    ]) {
      const { config } = loadConfig({ files, env: {}, ...sources });
      expect([config.pcrf.host, config.disconnect.hocon]).toEqual(['hocon', hocon]);
    }
    expect(loadConfig({ files, env: {}, hocon: '' }).config.pcrf.host).toBe('ini');
  });

  test('PORT sets only the port of the disconnect service, and SWOB_DISCONNECT_PORT overrides it', () => {
    const files = [ini('')];
    const env = { PORT: '9097' };
    const { config, settings } = loadConfig({ files, env });
    expect([config.disconnect.port, config.api.port, config.pcrf.port]).toEqual([9097, 6969, 1]);
    expect(settings.find(({ value }) => value === 9097)?.origin).toBe('environment PORT');
    const both = { SWOB_DISCONNECT_PORT: '9098', ...env };
    expect(loadConfig({ files, env: both }).config.disconnect.port).toBe(9098);
    expect(loadConfig({ files, env: { PORT: '' } }).config.disconnect.port).toBe(1);
  });

  test('the section name with a dot works in a file, in the environment and with --set', () => {
    const max = (sources: ConfigSources) =>
      loadConfig({ files: [ini('')], env: {}, ...sources }).config['pcrf.pool'].max;
    expect(max({})).toBe(5);
    expect(max({ env: { SWOB_PCRF_POOL_MAX: '6' } })).toBe(6);
    expect(max({ setOptions: ['pcrf.pool.max=7'] })).toBe(7);
  });
});
