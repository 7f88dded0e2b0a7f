// The server's key files: created once, completed when one is missing, rejected when invalid.

import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { oaepEncrypt } from '../../src/crypto/oaep.ts';
import { loadServerKeys } from '../../src/crypto/server-keys.ts';

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pems = {
  private: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  privatePkcs1: pair.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
  public: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  publicPkcs1: pair.publicKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
};

async function keyFolder(contents: { private?: string; public?: string } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'swob-keys-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const files = { publicKey: join(folder, 'public.pem'), privateKey: join(folder, 'private.pem') };
  if (contents.private !== undefined) await writeFile(files.privateKey, contents.private);
  if (contents.public !== undefined) await writeFile(files.publicKey, contents.public);
  return { folder, files };
}

/** Still readable, with the same public key; OpenSSL compensates for one wrong number, not for two. */
function damaged(): string {
  const { d = '', dp = '', ...rest } = pair.privateKey.export({ format: 'jwk' });
  const changed = (number: string) => {
    const bytes = Buffer.from(number, 'base64url');
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    return bytes.toString('base64url');
  };
  const key = createPrivateKey({ key: { ...rest, d: changed(d), dp: changed(dp) }, format: 'jwk' });
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
const text = (path: string) => readFile(path, 'utf8');
const roundTrips = (keys: Awaited<ReturnType<typeof loadServerKeys>>) => {
  const message = Buffer.from('secret');
  return keys.decrypt(oaepEncrypt(createPublicKey(keys.publicKeyPem), message))?.equals(message);
};

describe('when both files are missing', () => {
  test('creates a working 2048-bit pair, with its folders and modes', async () => {
    const { folder } = await keyFolder();
    const files = { publicKey: join(folder, 'a/b/public.pem'), privateKey: join(folder, 'c/d/private.pem') };
    const keys = await loadServerKeys(files);
    expect(roundTrips(keys)).toBe(true);
    expect(await text(files.publicKey)).toBe(keys.publicKeyPem);
    const privateKey = createPrivateKey(await text(files.privateKey));
    expect(privateKey.asymmetricKeyDetails).toMatchObject({ modulusLength: 2048, publicExponent: 65_537n });
    expect(await modeOf(files.privateKey)).toBe('600');
    expect(await modeOf(files.publicKey)).toBe('644');
    for (const made of ['a', 'a/b', 'c', 'c/d']) expect(await modeOf(join(folder, made))).toBe('700');
    expect(await readdir(join(folder, 'c/d'))).toEqual(['private.pem']);
  });

  test('keeps the mode of an existing folder', async () => {
    const { folder, files } = await keyFolder();
    await chmod(folder, 0o755);
    await loadServerKeys(files);
    expect(await modeOf(folder)).toBe('755');
  });

  test('the next start loads the same pair', async () => {
    const { files } = await keyFolder();
    const first = await loadServerKeys(files);
    const second = await loadServerKeys(files);
    expect(second.publicKeyPem).toBe(first.publicKeyPem);
    expect(roundTrips(second)).toBe(true);
  });

  test('concurrent starts agree on one pair', async () => {
    const { folder, files } = await keyFolder();
    const keys = await Promise.all(Array.from({ length: 6 }, () => loadServerKeys(files)));
    const onDisk = await text(files.publicKey);
    for (const each of keys) {
      expect(each.publicKeyPem).toBe(onDisk);
      expect(roundTrips(each)).toBe(true);
    }
    expect((await readdir(folder)).sort()).toEqual(['private.pem', 'public.pem']);
    expect((await loadServerKeys(files)).publicKeyPem).toBe(onDisk);
  });

  test('reports which file cannot be written', async () => {
    const { folder } = await keyFolder({ public: 'a file, not a folder' });
    const privateKey = join(folder, 'sub/private.pem');
    await mkdir(join(folder, 'other'));
    await writeFile(join(folder, 'sub'), '');
    await expect(
      loadServerKeys({ publicKey: join(folder, 'other/public.pem'), privateKey }),
    ).rejects.toMatchObject({ code: 'CONFIG', message: expect.stringContaining(privateKey) });
  });
});

describe('when the private key is there', () => {
  test.each([pems.private, pems.privatePkcs1])('derives and writes a missing public key', async (pem) => {
    const { files } = await keyFolder({ private: pem });
    const keys = await loadServerKeys(files);
    expect(keys.publicKeyPem).toBe(pems.public);
    expect(await text(files.publicKey)).toBe(pems.public);
    expect(await modeOf(files.publicKey)).toBe('644');
    expect(await text(files.privateKey)).toBe(pem);
  });

  test.each([pems.public, pems.publicPkcs1, pems.public.replaceAll('\n', '\r\n')])(
    'leaves a public key file of any format unchanged',
    async (pem) => {
      const { files } = await keyFolder({ private: pems.private, public: pem });
      const keys = await loadServerKeys(files);
      expect(keys.publicKeyPem).toBe(pems.public);
      expect(roundTrips(keys)).toBe(true);
      expect(await text(files.publicKey)).toBe(pem);
    },
  );
});

describe('refuses, naming the file and touching nothing', () => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const cipher = { cipher: 'aes-256-cbc', passphrase: 'secret' };
  type Case = { private?: string; public?: string; names: 'private.pem' | 'public.pem'; why: RegExp };
  const cases: Record<string, Case> = {
    'a public key whose private key is missing': {
      public: pems.public,
      names: 'private.pem',
      why: /missing/,
    },
    'a pair that does not match': {
      private: pems.private,
      public: other.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      names: 'public.pem',
      why: /does not belong/,
    },
    'an EC key': {
      private: ec.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      names: 'private.pem',
      why: /type ec/,
    },
    'a key of 1024 bits': {
      private: small.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      names: 'private.pem',
      why: /1024 bits/,
    },
    'a PKCS#8 key with a passphrase': {
      private: pair.privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }).toString(),
      names: 'private.pem',
      why: /passphrase/,
    },
    'a PKCS#1 key with a passphrase': {
      private: pair.privateKey.export({ type: 'pkcs1', format: 'pem', ...cipher }).toString(),
      names: 'private.pem',
      why: /passphrase/,
    },
    'a private file that is empty': { private: '', names: 'private.pem', why: /not a private key/ },
    'a private file cut in the middle': {
      private: pems.private.slice(0, 800),
      names: 'private.pem',
      why: /not a private key/,
    },
    'a private file with changed bits in two of its numbers': {
      private: damaged(),
      public: pems.public,
      names: 'private.pem',
      why: /damaged/,
    },
    'a public key in the private file': {
      private: pems.public,
      names: 'private.pem',
      why: /not a private key/,
    },
    'a private key in the public file': {
      private: pems.private,
      public: pems.private,
      names: 'public.pem',
      why: /private key/,
    },
    'a public file that is empty': { private: pems.private, public: '', names: 'public.pem', why: /not PEM/ },
  };
  test.each(Object.entries(cases))('%s', async (_name, { names, why, ...contents }) => {
    const { folder, files } = await keyFolder(contents);
    const error = await loadServerKeys(files).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'CONFIG', message: expect.stringMatching(why) });
    expect(String(error)).toContain(join(folder, names));
    for (const line of pems.private.split('\n').slice(1, -2)) expect(String(error)).not.toContain(line);
    expect((await readdir(folder)).sort()).toEqual(
      Object.keys(contents)
        .map((name) => `${name}.pem`)
        .sort(),
    );
    for (const [name, content] of Object.entries(contents)) {
      expect(await text(join(folder, `${name}.pem`))).toBe(content);
    }
  });

  test.each(['publicKey', 'privateKey'] as const)('a %s file that cannot be read', async (which) => {
    const { files } = await keyFolder();
    await mkdir(files[which]);
    await expect(loadServerKeys(files)).rejects.toMatchObject({
      code: 'CONFIG',
      message: expect.stringContaining(files[which]),
    });
  });
});

test('a ciphertext that is not for this key gives undefined', async () => {
  const { files } = await keyFolder({ private: pems.private });
  const keys = await loadServerKeys(files);
  expect(keys.decrypt(Buffer.alloc(256, 1))).toBeUndefined();
  expect(keys.decrypt(Buffer.alloc(0))).toBeUndefined();
});
