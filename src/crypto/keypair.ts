// The server's own RSA key pair: read from its two files, or made on the first start. Used by app/compose.

import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, randomUUID } from 'node:crypto';
import { link, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import writeFileAtomic from 'write-file-atomic';
import type { ServerKeys } from '../domain/ports.ts';
import { errnoOf, messageOf, SwobError } from '../errors.ts';
import { makeFolder } from '../folders.ts';
import { oaepDecrypt } from './oaep.ts';
import { readPublicKey } from './public-key.ts';

const newKeyBits = 2048;

/** Paths of PEM files. */
export interface KeyFiles {
  readonly publicKey: string;
  readonly privateKey: string;
}

/**
 * Loads the pair; makes what is missing, private file first, so that a start that was killed in between
 * is completed by the next one. Throws CONFIG, naming the file, when a file is unusable or they disagree.
 */
export async function loadServerKeys(files: KeyFiles): Promise<ServerKeys> {
  // Public first: it is written last, so whoever sees it sees the private one too.
  const publicPem = await readIfThere(files.publicKey);
  let privatePem = await readIfThere(files.privateKey);
  if (privatePem === undefined && publicPem !== undefined) {
    throw new SwobError(
      'CONFIG',
      `the private key ${files.privateKey} is missing, but its public key ${files.publicKey} is there; ` +
        'restore the private key, or delete the public one to get a new pair',
    );
  }
  privatePem ??= await makePrivateKey(files.privateKey);
  const privateKey = parsePrivateKey(privatePem, files.privateKey);
  const publicKeyPem = canonicalPem(publicPartOf(privateKey), files.privateKey);
  if (publicPem === undefined) {
    await whileWriting(files.publicKey, () =>
      writeFileAtomic(files.publicKey, publicKeyPem, { mode: 0o644 }),
    );
  } else if (canonicalPem(publicPem, files.publicKey) !== publicKeyPem) {
    throw new SwobError(
      'CONFIG',
      `the public key ${files.publicKey} does not belong to the private key ${files.privateKey}; ` +
        'delete the public one (it is made again from the private one), or restore the right pair',
    );
  }
  return { publicKeyPem, decrypt: (ciphertext) => oaepDecrypt(privateKey, ciphertext) };
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw new SwobError('CONFIG', `cannot read the key file ${file}: ${messageOf(error)}`, { cause: error });
  }
}

/** Makes a private key and its file; the PEM of another process when that was faster. */
async function makePrivateKey(file: string): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: newKeyBits });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const whole = `${file}.${randomUUID()}`;
  const mine = await whileWriting(file, async () => {
    try {
      await writeFileAtomic(whole, pem, { mode: 0o600 });
      return await moveIfAbsent(whole, file);
    } finally {
      await rm(whole, { force: true });
    }
  });
  return mine ? pem : ((await readIfThere(file)) ?? pem);
}

/** A rename that never replaces: a link fails when the name is taken. */
async function moveIfAbsent(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    // Some network and memory-card file systems have no links.
    await rename(from, to);
  }
  return true;
}

async function whileWriting<T>(file: string, write: () => Promise<T>): Promise<T> {
  try {
    await makeFolder(dirname(file));
    return await write();
  } catch (error) {
    throw new SwobError(
      'CONFIG',
      `cannot write the key file ${file}: ${messageOf(error)}; make its folder writable or change [security]`,
      { cause: error },
    );
  }
}

function parsePrivateKey(pem: string, file: string): KeyObject {
  if (/(BEGIN |4,)ENCRYPTED/.test(pem)) {
    throw new SwobError(
      'CONFIG',
      `the private key ${file} needs a passphrase; remove it: openssl pkey -in ${file} -out <new file>`,
    );
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new SwobError(
      'CONFIG',
      `the private key ${file} is not a private key in PEM; restore it, or delete both key files to get a new pair`,
    );
  }
  if (key.asymmetricKeyType === 'rsa') return key;
  throw new SwobError(
    'CONFIG',
    `the private key ${file} is of type ${key.asymmetricKeyType}; an RSA key of at least 2048 bits is needed`,
  );
}

function publicPartOf(privateKey: KeyObject): string {
  return createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
}

/** Our own keys obey the rules for phones' keys. */
function canonicalPem(pem: string, file: string): string {
  try {
    return readPublicKey(pem).pem;
  } catch (error) {
    throw new SwobError(
      'CONFIG',
      `the key file ${file} is refused: ${messageOf(error)}; delete both key files to get a new pair`,
      { cause: error },
    );
  }
}
