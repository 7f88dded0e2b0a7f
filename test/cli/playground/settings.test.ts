// The conf.ini of a playground, by which commands find its services.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatIni, withSetOptions } from '../../../src/cli/playground/settings.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { temporaryFolder } from '../../support/folders.ts';

function load(settings: Parameters<typeof formatIni>[0]) {
  const file = join(temporaryFolder(), 'conf.ini');
  writeFileSync(file, formatIni(settings));
  return loadConfig({ files: [file], env: {} }).config;
}

test('has what --set sets, but for the ports, which are those that the services have got', () => {
  const settings = withSetOptions({ api: { port: 4_711, host: '127.0.0.1' }, relay: { url: 'http://a' } }, [
    'api.port=0',
    'api.state=production',
    'pcrf.pool.max=3',
    'relay.url=',
    'seeds.expiry=7s',
    'seeds.expiry = 9s',
    'nas roof.address=10.0.0.1',
    'nas roof.secret_file=nas.secret',
  ]);
  expect(load(settings)).toMatchObject({
    api: { port: 4_711, host: '127.0.0.1', state: 'production' },
    'pcrf.pool': { max: 3 },
    relay: { url: '' },
    seeds: { expiry: 9_000 },
  });
});

test('is read back as it was, whatever the values contain', () => {
  const broker = { management_user: '%(guest)s', management_password: 'p#a;s%%s"w\'ord\\' };
  expect(load({ broker, security: { admin_token_filepath: '/tmp/a;b #1/admin.token' } })).toMatchObject({
    broker,
    security: { admin_token_filepath: '/tmp/a;b #1/admin.token' },
  });
});
