// The keys of [logging]: sizes, all names of levels, and the variables of the replaced service.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { loggingKeys } from '../../src/config/logging-keys.ts';
import { formatSize, parseSize, size } from '../../src/config/value-types.ts';
import { configFile } from '../support/config-files.ts';

const read = (text: string, env: Record<string, string> = {}, setOptions: string[] = []) =>
  loadConfig({ files: [configFile(text)], env, setOptions }).config.logging;

describe('sizes', () => {
  test.each([
    ['20 MB', 20 * 1024 ** 2],
    ['20MB', 20 * 1024 ** 2],
    ['500 kb', 500 * 1024],
    ['1.5 GB', 1.5 * 1024 ** 3],
    ['70', 70],
    ['70 B', 70],
    ['0', 0],
  ])('%s is %i bytes', (written, bytes) => expect(parseSize(written)).toBe(bytes));

  test.each(['', 'MB', '-1', '1e3', '1 MiB', '1 TB', '1,5 MB', '.5', '1 M', 'Infinity', '0x10', '1 MB 2'])(
    '%j is refused',
    (written) => expect(() => parseSize(written)).toThrow('expected a size such as 20 MB'),
  );

  test('every integer number of bytes is read back unchanged', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        expect(parseSize(formatSize(bytes))).toBe(bytes);
      }),
    );
  });

  test('round numbers are written in the largest unit', () => {
    expect([0, 1_000, 1_024, 1_536, 20 * 1_024 ** 2, 3 * 1_024 ** 3].map(formatSize)).toEqual([
      '0 B',
      '1000 B',
      '1 KB',
      '1536 B',
      '20 MB',
      '3 GB',
    ]);
  });

  test('both bounds are allowed, and no value beyond them', () => {
    const { type: kind } = size('1 MB', ['1 KB', '2 MB'], '');
    expect([kind.parse('1024'), kind.parse('2 MB')]).toEqual([1_024, 2 * 1_024 ** 2]);
    expect(() => kind.parse('1023')).toThrow('expected a size from 1 KB to 2 MB');
    expect(() => kind.parse('2097153')).toThrow('expected a size from 1 KB to 2 MB');
    expect(() => kind.parse('9'.repeat(400))).toThrow('expected a size from 1 KB to 2 MB');
  });
});

describe('levels', () => {
  test.each([
    ['debug', 'debug', 'debug'],
    ['INFO', 'info', 'info'],
    ['Warn', 'warn', 'warn'],
    ['ALL', 'debug', 'debug'],
    ['TRACE', 'debug', 'debug'],
    ['FATAL', 'error', 'error'],
    ['OFF', 'silent', 'off'],
    ['silent', 'silent', 'off'],
  ])('%s of log4j2 and pino', (written, level, gelfLevel) => {
    expect(loggingKeys.level.type.parse(written)).toBe(level);
    expect(loggingKeys.gelf_level.type.parse(written)).toBe(gelfLevel);
  });

  test.each(['', 'loud', 'info ', 'constructor', '30'])('%j is not a level', (written) => {
    expect(() => loggingKeys.level.type.parse(written)).toThrow(
      'expected one of: debug, info, warn, error, silent',
    );
  });
});

describe('the Graylog host', () => {
  test.each([
    ['udp:lab3-test.eltex.loc', 'lab3-test.eltex.loc'],
    ['udp://192.0.2.1', '192.0.2.1'],
    ['graylog', 'graylog'],
    ['udp:2001:db8::1', '2001:db8::1'],
    ['', ''],
  ])('%j', (written, host) => {
    const { type: kind } = loggingKeys.gelf_host;
    expect(kind.parse(written)).toBe(host);
    expect(kind.parse(kind.format(host))).toBe(host);
  });

  test.each(['tcp:host', 'udp:host:12201', 'udp:a b', 'http://host', 'udp:'.repeat(2)])(
    '%j is refused',
    (written) =>
      expect(() => loggingKeys.gelf_host.type.parse(written)).toThrow(
        'expected a host name or IP address, optionally with udp: in front',
      ),
  );

  test('a level without a host is an error, a host without a level is not', () => {
    expect(() => read('[logging]\ngelf_level = warn\n')).toThrow(
      '[logging] gelf_level = warn needs gelf_host',
    );
    expect(read('[logging]\ngelf_host = udp:graylog\n')).toMatchObject({
      gelf_level: 'off',
      gelf_host: 'graylog',
    });
  });
});

test('a file limit above the total limit is an error', () => {
  expect(() => read('[logging]\nmax_file_size = 20 MB\naccumulated_size = 19 MB\n')).toThrow(
    '[logging] accumulated_size is less than max_file_size',
  );
});

test('the variables of the replaced service override the file, and SWOB_LOGGING_* overrides them', () => {
  const file = '[logging]\nlevel = error\ngelf_port = 1\n';
  const env = { LOG_LEVEL: 'WARN', GELF_LEVEL: 'ERROR', GELF_HOST: 'udp:graylog', GELF_PORT: '12202' };
  expect(read(file, env)).toMatchObject({
    level: 'warn',
    gelf_level: 'error',
    gelf_host: 'graylog',
    gelf_port: 12_202,
  });
  expect(read(file, { ...env, SWOB_LOGGING_LEVEL: 'debug' }).level).toBe('debug');
  expect(read(file, env, ['logging.level=silent']).level).toBe('silent');
  expect(read(file, { LOG_LEVEL: '' }).level).toBe('error');
  expect(() => read(file, { LOG_LEVEL: 'loud' })).toThrow('environment LOG_LEVEL: [logging] level: expected');
});
