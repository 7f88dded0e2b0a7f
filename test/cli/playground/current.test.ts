// The file by which `playground env` finds the running playground.

import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCurrentPlayground, readyContent } from '../../../src/cli/playground/current.ts';
import { sampleSession } from '../../../src/cli/playground/playground.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { needs } from '../../support/needs.ts';

const playground = {
  urls: {
    gateway: 'http://127.0.0.1:1',
    sync: 'ws://127.0.0.1:2',
    disconnect: 'http://127.0.0.1:3',
    users: 'http://127.0.0.1:4',
    developer: 'http://127.0.0.1:5',
    publisher: 'http://127.0.0.1:6',
    pcrf: 'http://127.0.0.1:7',
    nas: 'http://127.0.0.1:8',
  },
  nas: { radius: '127.0.0.1:8', secretFile: '/tmp/a/nas.secret' },
  session: sampleSession,
  folder: '/tmp/a',
  config: '/tmp/a/conf.ini',
  adminTokenFile: '/tmp/a/admin.token',
  jwtPrivateKey: '/tmp/a/jwt-private.pem',
};

test('reads what `playground` has written', async () => {
  const file = join(temporaryFolder(), 'ready.json');
  writeFileSync(file, JSON.stringify(readyContent(playground)));
  expect(await readCurrentPlayground(file)).toEqual(playground);
});

test.each(['', '{}', '{"gateway":{"url":"http://127.0.0.1:1"}}'])('refuses the content %j', async (text) => {
  const file = join(temporaryFolder(), 'ready.json');
  writeFileSync(file, text);
  await expect(readCurrentPlayground(file)).rejects.toMatchObject({ code: 'REFUSED' });
});

test("refuses another user's file, which scripts would evaluate", async (context) => {
  needs(context, { root: true });
  const file = join(temporaryFolder(), 'ready.json');
  writeFileSync(file, JSON.stringify(readyContent(playground)));
  chownSync(file, 12_345, 12_345);
  await expect(readCurrentPlayground(file)).rejects.toThrow('belongs to another user');
});
