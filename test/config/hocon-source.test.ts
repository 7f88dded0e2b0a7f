// The application.conf of the old disconnect service under our names, and its place among the sources.

import { describe, expect, test } from 'vitest';
import { type ConfigSources, loadConfig } from '../../src/config/load.ts';
import { SwobError } from '../../src/errors.ts';
import { configFile } from '../support/config-files.ts';

const fixture = 'test/config/fixtures/old-disconnect.application.conf';

/** Loads one application.conf and nothing else; the path is shown as `FILE`. */
function load(text: string, sources: ConfigSources = {}) {
  const hocon = configFile(text, 'application.conf');
  const hide = (line: string): string => line.replaceAll(hocon, 'FILE');
  try {
    const loaded = loadConfig({ files: ['/dev/null'], env: {}, hocon, ...sources });
    return { ...loaded, notes: loaded.notes.map(hide), faults: [] };
  } catch (error) {
    if (!(error instanceof SwobError) || error.code !== 'CONFIG') throw error;
    return { config: undefined, notes: [], faults: error.message.split('\n  ').slice(1).map(hide) };
  }
}

describe('the file as the old service documents it', () => {
  test('is read with every key, and says where each stands', () => {
    const { config, settings, notes } = loadConfig({ files: ['/dev/null'], env: {}, hocon: fixture });
    expect([config.pcrf, config['pcrf.pool'], config.validation.public_key]).toEqual([
      { host: 'localhost', port: 7070, timeout: 10_000 },
      { min: 1, max: 20, wait_timeout: 5_000 },
      '/etc/eltex-doors/keys/public.pem',
    ]);
    expect(notes).toEqual([]);
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

  test('another host in the block "pcrf", as for containers', () => {
    expect(load('pcrf {\n  host = 192.168.1.250\n}').config?.pcrf.host).toBe('192.168.1.250');
  });

  test('the fragments as the page prints them, without comment signs and closing braces, are refused by line', () => {
    expect(load('pcrf { host = localhost IP-адрес сервера port = 7070 Порт сервера }').faults).toEqual([
      'FILE:1: "=" has to stand in double quotes to be part of a value',
    ]);
    expect(load('validation { public_key = /etc/eltex-doors/keys/public.pem').faults).toEqual([
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

  test('publicKey is public_key too, and both together are a duplicate', () => {
    expect(load('validation.publicKey = a').config?.validation.public_key).toBe('a');
    expect(load('validation {\n public_key = a\n publicKey = b }').faults).toEqual([
      'FILE:3: validation.publicKey stands on line 2 already',
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

  test('keys of libraries are notes, one for each block', () => {
    const { notes, config } = load(
      'akka { loglevel = INFO, x.y = 1 }\npcrf {\n retries = 3\n}\n"pcrf.host" = x',
    );
    expect(notes).toEqual([
      'FILE:1: akka: no setting of swob, left alone',
      'FILE:3: pcrf.retries: no setting of swob, left alone',
      'FILE:5: "pcrf.host": no setting of swob, left alone',
    ]);
    expect(config?.pcrf.host).toBe('localhost');
  });

  test('of very many unknown keys only the first are named', () => {
    const { notes } = load(Array.from({ length: 2_000 }, (_, index) => `x${index} = 1`).join('\n'));
    expect([notes.length, notes.at(-1)]).toEqual([51, 'FILE: 1950 more keys are no settings of swob']);
  });
});

describe('faults', () => {
  test('all are told at once, with those of the other sources', () => {
    const text = 'pcrf {\n  port = 70700\n  timeout = soon\n  pool = 5\n  host { a = 1 }\n}\nvalidation = x';
    const env = { PORT: 'http', SWOB_PCRF_POOL_MAX: '0' };
    expect(load(text, { env, overrides: ['pcrf.pool.min=x'] }).faults).toEqual([
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

  test('a file that is no HOCON is told with its line beside those of conf.ini', () => {
    const ini = configFile('[api]\nport = x\n');
    expect(load('pcrf {\n  host = a:b\n}', { files: [ini] }).faults).toEqual([
      `${ini}:2: [api] port: expected a whole number from 0 to 65535, not "x"`,
      'FILE:2: ":" has to stand in double quotes to be part of a value',
    ]);
  });

  test('a file that is not there is named', () => {
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

  test('application.conf goes before conf.ini that names it, key by key, and SWOB_* and --set before both', () => {
    const files = [ini(application())];
    const pcrf = (sources: ConfigSources) => loadConfig({ files, env: {}, ...sources }).config.pcrf;
    expect(pcrf({})).toMatchObject({ host: 'hocon', port: 1 });
    const env = { SWOB_PCRF_HOST: 'env' };
    expect(pcrf({ env }).host).toBe('env');
    expect(pcrf({ env, overrides: ['pcrf.host=set'] }).host).toBe('set');
  });

  test('--hocon goes before the key, and the key may come from every source', () => {
    const files = [ini('/nowhere/application.conf')];
    const hocon = application();
    for (const sources of [
      { hocon },
      { hocon, overrides: ['disconnect.hocon=/nowhere/other.conf'] },
      { env: { SWOB_DISCONNECT_HOCON: hocon } },
      { overrides: [`disconnect.hocon=${hocon}`] },
    ]) {
      const { config } = loadConfig({ files, env: {}, ...sources });
      expect([config.pcrf.host, config.disconnect.hocon]).toEqual(['hocon', hocon]);
    }
    expect(loadConfig({ files, env: {}, hocon: '' }).config.pcrf.host).toBe('ini');
  });

  test('PORT sets the port of the disconnect service only, and SWOB_DISCONNECT_PORT goes before it', () => {
    const files = [ini('')];
    const env = { PORT: '9097' };
    const { config, settings } = loadConfig({ files, env });
    expect([config.disconnect.port, config.api.port, config.pcrf.port]).toEqual([9097, 6969, 1]);
    expect(settings.find(({ value }) => value === 9097)?.origin).toBe('environment PORT');
    const both = { SWOB_DISCONNECT_PORT: '9098', ...env };
    expect(loadConfig({ files, env: both }).config.disconnect.port).toBe(9098);
    expect(loadConfig({ files, env: { PORT: '' } }).config.disconnect.port).toBe(1);
  });

  test('the section with a dot works in a file, in the environment and with --set', () => {
    const max = (sources: ConfigSources) =>
      loadConfig({ files: [ini('')], env: {}, ...sources }).config['pcrf.pool'].max;
    expect(max({})).toBe(5);
    expect(max({ env: { SWOB_PCRF_POOL_MAX: '6' } })).toBe(6);
    expect(max({ overrides: ['pcrf.pool.max=7'] })).toBe(7);
  });
});
