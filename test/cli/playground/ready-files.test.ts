// The files by which `playground env` finds a running playground.

import { chownSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { sampleSession } from '../../../src/cli/playground/playground.ts';
import {
  defaultReadyFile,
  findReadyFile,
  readPlayground,
  readyContent,
  readyFileIn,
} from '../../../src/cli/playground/ready-files.ts';
import { mkfifo } from '../../support/fifo.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { needs } from '../../support/needs.ts';
import { asOtherUser, otherUser } from '../../support/other-user.ts';

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
  expect(await readPlayground(file)).toEqual(playground);
});

test.each(['', '{}', '{"gateway":{"url":"http://127.0.0.1:1"}}'])('refuses the content %j', async (text) => {
  const file = join(temporaryFolder(), 'ready.json');
  writeFileSync(file, text);
  await expect(readPlayground(file)).rejects.toMatchObject({ code: 'REFUSED' });
});

describe('the playground that is meant', () => {
  const content = JSON.stringify(readyContent(playground));
  const fileOf = (pid: number): string => join(folder, `swob-playground-${userInfo().uid}-${pid}.json`);
  const warn = vi.fn();
  let folder: string;
  beforeEach(() => {
    folder = temporaryFolder();
    vi.stubEnv('XDG_RUNTIME_DIR', folder);
    warn.mockClear();
  });
  afterEach(() => void vi.unstubAllEnvs());

  test('is the only one that is running', async () => {
    await expect(findReadyFile(undefined, warn)).rejects.toMatchObject({ code: 'UNREACHABLE' });
    writeFileSync(defaultReadyFile(), content);
    // No process has this number.
    writeFileSync(fileOf(2_147_483_647), content);
    writeFileSync(join(folder, 'swob-playground-x.json'), content);
    expect(await findReadyFile(undefined, warn)).toBe(fileOf(process.pid));
  });

  test('is not one of several, which are listed', async () => {
    writeFileSync(defaultReadyFile(), content);
    writeFileSync(fileOf(process.ppid), 'damaged');
    const refused = findReadyFile(undefined, warn);
    await expect(refused).rejects.toMatchObject({ code: 'USAGE' });
    await expect(refused).rejects.toThrow('2 playgrounds are running; name one of them:\n');
    await expect(refused).rejects.toThrow(
      `  --ready-file ${fileOf(process.pid)}  gateway http://127.0.0.1:1`,
    );
    await expect(refused).rejects.toThrow(`  --ready-file ${fileOf(process.ppid)}  gateway unknown`);
  });

  test('is that of the environment, whatever else is running', async () => {
    writeFileSync(defaultReadyFile(), content);
    const own = join(folder, 'own');
    mkdirSync(own);
    writeFileSync(readyFileIn(own), content);
    expect(await findReadyFile(own, warn)).toBe(readyFileIn(own));
    expect(warn).not.toHaveBeenCalled();
    // It has ended, and another was started.
    expect(await findReadyFile(join(folder, 'gone'), warn)).toBe(fileOf(process.pid));
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('has ended'));
  });

  test.each([
    ['does not exist', (parent: string) => join(parent, 'nowhere')],
    [
      'is a file',
      (parent: string) => {
        writeFileSync(join(parent, 'file'), '');
        return join(parent, 'file');
      },
    ],
  ])('is found in the temporary folder where that of the session %s', async (_, unusableIn) => {
    vi.stubEnv('XDG_RUNTIME_DIR', unusableIn(folder));
    vi.stubEnv('TMPDIR', folder);
    writeFileSync(defaultReadyFile(), content);
    expect(await findReadyFile(undefined, warn)).toBe(fileOf(process.pid));
  });

  test("is never another user's", async (context) => {
    needs(context, { root: true });
    writeFileSync(defaultReadyFile(), content);
    chownSync(defaultReadyFile(), 12_345, 12_345);
    await expect(findReadyFile(undefined, warn)).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });
});

test('says why a ready file cannot be read', async () => {
  const folder = temporaryFolder();
  await expect(readPlayground(folder)).rejects.toMatchObject({
    code: 'CONFIG',
    message: expect.stringContaining(`cannot read ${folder}: EISDIR`),
  });
});

test('a user without a name, as in a container, has ready files', async (context) => {
  needs(context, { root: true });
  await asOtherUser(
    (folder) => chownSync(folder, otherUser, otherUser),
    async (folder) => {
      const file = join(folder, 'ready.json');
      writeFileSync(file, JSON.stringify(readyContent(playground)));
      expect(defaultReadyFile()).toContain(`swob-playground-${otherUser}-`);
      expect(await readPlayground(file)).toEqual(playground);
    },
  );
});

test("refuses another user's file, which scripts would evaluate", async (context) => {
  needs(context, { root: true });
  const file = join(temporaryFolder(), 'ready.json');
  writeFileSync(file, JSON.stringify(readyContent(playground)));
  chownSync(file, 12_345, 12_345);
  await expect(readPlayground(file)).rejects.toThrow('belongs to another user');
});

test("refuses another user's file also when an own one takes its path while it is read", async (context) => {
  needs(context, { root: true });
  const folder = temporaryFolder();
  const content = JSON.stringify(readyContent(playground));
  const file = mkfifo(folder);
  chownSync(file, 12_345, 12_345);
  const reading = readPlayground(file);
  // It may reject before the end of this test waits for it.
  reading.catch(() => undefined);
  // A pipe opens once it has a reader.
  const pipe = await open(file, 'w');
  writeFileSync(join(folder, 'own.json'), content);
  renameSync(join(folder, 'own.json'), file);
  // Its reader may have closed it already.
  await pipe.writeFile(content).catch(() => undefined);
  await pipe.close();
  await expect(reading).rejects.toThrow('belongs to another user');
});
