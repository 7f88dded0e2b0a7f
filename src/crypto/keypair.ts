// The server's own RSA key pair: read from its two files, or made on the first start. Used by app/compose.

import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import writeFileAtomic from 'write-file-atomic';
import type { ServerKeys } from '../domain/ports.ts';
import { messageOf, SwobError } from '../errors.ts';
import { makeOnce, readIfThere, whileWriting } from './file-once.ts';
import { oaepDecrypt } from './oaep.ts';
import { readPublicKey } from './public-key.ts';

const newKeyBits = 2048;
const what = 'key file';

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
  const publicPem = await readIfThere(what, files.publicKey);
  let privatePem = await readIfThere(what, files.privateKey);
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
    await whileWriting(what, files.publicKey, () =>
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

/** Makes a private key and its file; the PEM of another process when that was faster. */
async function makePrivateKey(file: string): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: newKeyBits });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return makeOnce(what, file, pem);
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
