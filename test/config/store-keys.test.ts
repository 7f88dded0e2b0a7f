// The keys of [store]: their bounds, what cannot hold together, and that no password is shown.

import { expect, test } from 'vitest';
import { type ConfigSources, loadConfig } from '../../src/config/load.ts';
import { messageOf } from '../../src/errors.ts';
import { configFile } from '../support/config-files.ts';

const load = (overrides: readonly string[], sources: ConfigSources = {}) =>
  loadConfig({ files: [configFile('')], env: {}, overrides, ...sources });

/** The lines of faults. */
function faults(...settings: string[]): string[] {
  try {
    load(settings.map((setting) => `store.${setting}`));
  } catch (error) {
    return messageOf(error).split('\n  ').slice(1);
  }
  return [];
}

test('a folder, without anything of Redis, is the default', () => {
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

test('the password comes from the environment as well', () => {
  const env = { SWOB_STORE_PASSWORD: 'hush', SWOB_STORE_URL: 'redis://a' };
  expect(load([], { env }).config.store).toMatchObject({ url: 'redis://a', password: 'hush' });
});

test.each([
  [['url=redis://:x@a', 'password=y'], 'the password in url and password exclude each other'],
  [['url=redis://a', 'password=y', 'password_file=f'], 'password and password_file exclude each other'],
  [['url=redis://me:x@a', 'user=you'], 'the user in url and user exclude each other'],
  [['url=redis://me@a'], 'user needs a password or a password_file'],
  [['url=redis://a', 'user=me'], 'user needs a password or a password_file'],
  [['url=redis://a', 'ca=ca.pem'], 'ca is for TLS only: let url begin with rediss'],
  [['url=redis+cluster://a', 'sentinel_password=x'], 'sentinel_password is for Sentinels only'],
  [['url=file:./data', 'password=x'], 'password is for Redis, and [store] url names none'],
  [['url=memory:', 'replicas=1'], 'replicas is for Redis, and [store] url names none'],
  [['url=redis+cluster://a/1'], 'a cluster has no numbered databases, not "redis+cluster://a/1"'],
  [['prefix=a b'], 'expected 1 to 64 letters, digits, "_", ".", ":" or "-"'],
  [['replicas=11'], 'expected a whole number from 0 to 10'],
])('%j is refused', (settings, fault) => {
  expect(faults(...settings)).toEqual([expect.stringContaining(fault)]);
});

test.each([
  [['url=redis://me:x@a/2', 'replicas=1', 'replica_timeout=100ms']],
  [['url=redis://me@a', 'password_file=f']],
  [['url=rediss://a', 'ca=ca.pem', 'user=me', 'password=x', 'prefix=swob:test-1.b_c']],
  [['url=redis+sentinel://a/main', 'sentinel_password=x']],
])('%j is taken', (settings) => {
  expect(faults(...settings)).toEqual([]);
});

test('a password in the URL stands in no fault', () => {
  const wrong = [
    'redis://me:hunter2@a:0',
    'redis://:hunter/2@a',
    'redis://:hunter2@a,b',
    'rediss+x://:hunter2@a',
  ];
  const told = wrong.flatMap((url) => faults(`url=${url}`)).join('\n');
  expect(told.match(/expected/g)).toHaveLength(wrong.length);
  expect(told).not.toContain('hunter');
});
