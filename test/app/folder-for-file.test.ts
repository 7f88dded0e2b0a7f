// A folder in place of a file, as Docker creates one for a file missing on the host: no service starts, and the
// message names the cause and the remedy.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { publicPem } from '../crypto/token-builder.ts';
import { makeCertificate } from '../support/certificates.ts';
import { temporaryFolder } from '../support/folders.ts';
import { startTestServices } from '../support/services.ts';

const words = (file: string) => ({
  code: 'CONFIG',
  message: expect.stringMatching(
    new RegExp(`${file}.*EISDIR: it is a folder \\(Docker makes one .* remove it`),
  ),
});

test.each([
  'security.public_key_filepath',
  'security.private_key_filepath',
  'security.admin_token_filepath',
  'validation.public_key',
  'validation.secret_file',
  'seeds.operators_file',
  'api_ssl.crt',
  'api_ssl.key',
  'api_ssl.pem',
  'websocket_ssl.crt',
  'disconnect_ssl.key',
])('%s', async (key) => {
  const folder = temporaryFolder();
  const file = join(folder, 'in-place');
  mkdirSync(file);
  const [verification, secret] = [join(folder, 'public.verify'), join(folder, 'secret')];
  writeFileSync(verification, publicPem);
  writeFileSync(secret, '0'.repeat(64), { mode: 0o600 });
  const section = /^\w+_ssl(?=\.)/.exec(key)?.[0];
  const pair = section ? makeCertificate(folder, 'good') : undefined;
  const starting = startTestServices({
    names: ['gateway', 'sync', 'disconnect'],
    set: [
      'validation.algorithms=RS256,HS256',
      `validation.public_key=${verification}`,
      `validation.secret_file=${secret}`,
      ...(pair ? [`${section}.crt=${pair.crt}`, `${section}.key=${pair.key}`] : []),
      `${key}=${file}`,
    ],
  });
  await expect(starting).rejects.toMatchObject(words(file));
});

test('the configuration, and the one of the old disconnect service', () => {
  const folder = temporaryFolder();
  const load =
    (files: string[], overrides: string[] = []) =>
    () =>
      loadConfig({ files, env: {}, setOptions: overrides });
  expect(load([folder])).toThrow(expect.objectContaining(words(folder)));
  const file = join(folder, 'conf.ini');
  writeFileSync(file, '');
  expect(load([file], [`disconnect.hocon=${folder}`])).toThrow(expect.objectContaining(words(folder)));
});
