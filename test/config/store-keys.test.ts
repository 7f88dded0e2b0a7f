// The keys of [store]: their bounds and contradictions, and that no error shows a password.

import { expect, test } from 'vitest';
import { storeRules } from '../../src/app/compose/store-adapters.ts';
import { type ConfigSources, loadConfig } from '../../src/config/load.ts';
import { messageOf } from '../../src/errors.ts';
import { configFile } from '../support/config-files.ts';

const load = (setOptions: readonly string[], sources: ConfigSources = {}) =>
  loadConfig({ files: [configFile('')], env: {}, setOptions, ...sources }, storeRules);

/** The error lines. */
function errors(...settings: string[]): string[] {
  try {
    load(settings.map((setting) => `store.${setting}`));
  } catch (error) {
    return messageOf(error).split('\n  ').slice(1);
  }
  return [];
}

test('a folder is the default, and needs no Redis keys', () => {
  expect(load([]).config.store).toEqual({
    url: 'file:./data',
    user: '',
    password: '',
    password_file: '',
    sentinel_password: '',
    ca: '',
    timeout: 2_000,
    prefix: 'swob',
    replicas: 0,
    replica_timeout: 1_000,
  });
});

test('the password may come from the environment', () => {
  const env = { SWOB_STORE_PASSWORD: 'hush', SWOB_STORE_URL: 'redis://a' };
  expect(load([], { env }).config.store).toMatchObject({ url: 'redis://a', password: 'hush' });
});

test.each([
  [['url=redis://:x@a', 'password=y'], 'the password in url and password exclude each other'],
  [['url=redis://a', 'password=y', 'password_file=f'], 'password and password_file exclude each other'],
  [['url=redis://me:x@a', 'user=you'], 'the user in url and user exclude each other'],
  [['url=redis://me@a'], 'user needs password or password_file'],
  [['url=redis://a', 'user=me'], 'user needs password or password_file'],
  [['url=redis://a', 'ca=ca.pem'], 'ca is only for TLS: start url with rediss, or remove ca'],
  [
    ['url=redis+cluster://a', 'sentinel_password=x'],
    'sentinel_password is only for Sentinel: remove it, or set url to a redis+sentinel URL',
  ],
  [
    ['url=file:./data', 'password=x'],
    'password is only for Redis: remove it, or set [store] url to a Redis URL',
  ],
  [['url=memory:', 'replicas=1'], 'replicas is only for Redis: remove it, or set [store] url to a Redis URL'],
  [['url=redis+cluster://a/1'], 'a cluster has no numbered databases, not "redis+cluster://a/1"'],
  [['prefix=a b'], 'expected 1 to 64 letters, digits, "_", ".", ":" or "-"'],
  [['replicas=11'], 'expected a whole number from 0 to 10'],
])('%j is refused', (settings, message) => {
  expect(errors(...settings)).toEqual([expect.stringContaining(message)]);
});

test.each([
  [['url=redis://me:x@a/2', 'replicas=1', 'replica_timeout=100ms']],
  [['url=redis://me@a', 'password_file=f']],
  [['url=rediss://a', 'ca=ca.pem', 'user=me', 'password=x', 'prefix=swob:test-1.b_c']],
  [['url=redis+sentinel://a/main', 'sentinel_password=x']],
])('%j is accepted', (settings) => {
  expect(errors(...settings)).toEqual([]);
});

test('no error shows a password in the URL', () => {
  const wrong = [
    'redis://me:hunter2@a:0',
    'redis://:hunter/2@a',
    'redis://:hunter2@a,b',
    'rediss+x://:hunter2@a',
  ];
  const messages = wrong.flatMap((url) => errors(`url=${url}`)).join('\n');
  expect(messages.match(/expected/g)).toHaveLength(wrong.length);
  expect(messages).not.toContain('hunter');
});

test.each(['FILE:./data', './data', 'memory', 'memory:x', 'memory://', 'sqlite:x'])(
  'url = %s is refused with the forms of all kinds of stores',
  (url) => {
    expect(errors(`url=${url}`)).toEqual([
      expect.stringContaining(
        'expected file:<folder> such as file:./data, file:///<absolute folder> with %20 for a space, memory:, or redis://',
      ),
    ]);
  },
);
