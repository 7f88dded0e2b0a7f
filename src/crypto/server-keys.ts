// The server's own RSA key pair, read from its two files or generated on the first start. Used by app/compose.

import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { ServerKeys } from '../domain/pairing/ports.ts';
import { messageOf, SwobError } from '../errors.ts';
import { replaceFile } from '../lib/durable-files.ts';
import { oaepDecrypt, oaepEncrypt } from './oaep.ts';
import { readPublicKey } from './public-key.ts';
import { createOrRead, readIfExists, withWriteErrors } from './secret-file.ts';

const newKeyBits = 2048;
const what = 'key file';

/** Paths of PEM files. */
export interface KeyFiles {
  readonly publicKey: string;
  readonly privateKey: string;
}

export interface LoadedKeys extends ServerKeys {
  /** Whether the private key was generated just now. */
  readonly generated: boolean;
}

/**
 * Loads the pair and creates what is missing, the private key first, so that the next start completes one that was
 * killed in between. Throws CONFIG, naming the file, when a file is unusable or they disagree.
 */
export async function loadServerKeys(files: KeyFiles): Promise<LoadedKeys> {
  // The public key first: it is written last, so if it exists the private key exists too.
  const publicPem = await readIfExists(what, files.publicKey);
  let privatePem = await readIfExists(what, files.privateKey);
  if (privatePem === undefined && publicPem !== undefined) {
    throw new SwobError(
      'CONFIG',
      `the private key ${files.privateKey} is missing, but its public key ${files.publicKey} is there; ` +
        'restore the private key, or move the public one away to get a new pair',
    );
  }
  const made = privatePem === undefined;
  privatePem ??= await createPrivateKeyFile(files.privateKey);
  const privateKey = parsePrivateKey(privatePem, files.privateKey);
  const publicKeyPem = canonicalPem(publicPartOf(privateKey), files.privateKey);
  if (publicPem === undefined) {
    await withWriteErrors(what, files.publicKey, () =>
      replaceFile(files.publicKey, publicKeyPem, { mode: 0o644 }),
    );
  } else if (canonicalPem(publicPem, files.publicKey) !== publicKeyPem) {
    throw new SwobError(
      'CONFIG',
      `the public key ${files.publicKey} does not belong to the private key ${files.privateKey}; ` +
        'move the public one away (it is derived from the private one again), or restore the right pair',
    );
  }
  if (!isIntact(privateKey)) {
    throw new SwobError(
      'CONFIG',
      `the private key ${files.privateKey} is damaged: it does not decrypt what its public key encrypts; ` +
        'restore it, or move both key files away to get a new pair',
    );
  }
  return { publicKeyPem, generated: made, decrypt: (ciphertext) => oaepDecrypt(privateKey, ciphertext) };
}

/** Generates a private key and its file. @returns the PEM, that of another process when it was faster */
async function createPrivateKeyFile(file: string): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: newKeyBits });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return createOrRead(what, file, pem);
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
      `the private key ${file} is not a private key in PEM; restore it, or move both key files away to get a new pair`,
    );
  }
  if (key.asymmetricKeyType === 'rsa') return key;
  throw new SwobError(
    'CONFIG',
    `the private key ${file} is of type ${key.asymmetricKeyType}; an RSA key of at least 2048 bits is needed`,
  );
}

/**
 * Whether an RSA key decrypts what its own public part encrypts. A file whose private numbers are damaged can be
 * read, and every password would seem to be wrong.
 */
export function isIntact(privateKey: KeyObject): boolean {
  const message = Buffer.from('swob');
  const ciphertext = oaepEncrypt(createPublicKey(privateKey), message);
  return oaepDecrypt(privateKey, ciphertext)?.equals(message) ?? false;
}

function publicPartOf(privateKey: KeyObject): string {
  return createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
}

/** Our own keys have to meet the rules for phones' keys. */
function canonicalPem(pem: string, file: string): string {
  try {
    return readPublicKey(pem).pem;
  } catch (error) {
    throw new SwobError(
      'CONFIG',
      `the key file ${file} is refused: ${messageOf(error)}; move both key files away to get a new pair`,
      { cause: error },
    );
  }
}
