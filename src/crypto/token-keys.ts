// Keys of tokens, from the text of their files: the public key and the secret that tokens are checked with,
// and the private key that `swob jwt mint` signs with.

import {
  constants,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  publicEncrypt,
} from 'node:crypto';
import { SwobError } from '../errors.ts';
import { canonicalPem, conversionOf, readOtherKeyForm } from './key-text.ts';

const bounds = { minBits: 2048, maxBits: 16_384, minExponent: 65_537n, minSecretBytes: 32 };
const publicLabels = ['PUBLIC KEY', 'RSA PUBLIC KEY', 'CERTIFICATE'];

/**
 * The RSA public key in a PEM (SPKI or PKCS#1), in an X.509 certificate or the first one of a chain, in an `ssh-rsa` line, a
 * JWK, or a JWK set of one key. Throws CONFIG, naming the file, when it is another kind of key, under 2048 bits, damaged,
 * or accompanied by a private key.
 */
export function readVerificationKey(content: string, file: string): KeyObject {
  const what = `the public key ${file}`;
  const other = readOtherKeyForm(content, file);
  if (other?.kind === 'refused') throw rejected(`${what} ${other.problem}`, other.remedy);
  const key = other?.key ?? readPublicPem(canonicalPem(content), what, file);
  checkRsa(key, what, publicRemedy);
  checkUsable(key, what);
  return key;
}

function readPublicPem(text: string, what: string, file: string): KeyObject {
  const labels = pemLabels(text);
  if (labels.some((label) => label.endsWith('PRIVATE KEY'))) {
    throw rejected(`${what} holds a private key`, 'keep that with the signer and put its public key there');
  }
  const [label = ''] = labels;
  if (!publicLabels.includes(label)) {
    const command = conversionOf(label, file);
    throw rejected(
      `${what} is not a public key or certificate in PEM`,
      command === undefined ? publicRemedy : `convert it: ${command}`,
    );
  }
  if (label !== 'CERTIFICATE' && labels.length > 1) {
    throw rejected(`${what} holds more than one key`, 'leave the one that tokens are signed for');
  }
  try {
    return createPublicKey(text);
  } catch {
    throw rejected(`${what} is damaged`, publicRemedy);
  }
}

/** The RSA private key in a PEM. Throws CONFIG, naming the file, when it is none, or under 2048 bits. */
export function readSigningKey(text: string, file: string): KeyObject {
  const what = `the private key ${file}`;
  if (/(BEGIN |4,)ENCRYPTED/.test(text)) {
    throw rejected(`${what} needs a passphrase`, `remove it: openssl pkey -in ${file} -out <new file>`);
  }
  if (!pemLabels(text)[0]?.endsWith('PRIVATE KEY')) {
    throw rejected(
      `${what} is not a private key in PEM`,
      'make a pair with `swob jwt keygen`; a shared secret is for HS256 only',
    );
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(canonicalPem(text));
  } catch {
    throw rejected(`${what} is damaged`, 'restore it, or make a new pair with `swob jwt keygen`');
  }
  checkRsa(key, what, 'make a pair with `swob jwt keygen`');
  return key;
}

/**
 * A secret for HS256 from a file of text, without the line end at its end. Throws CONFIG, naming the file,
 * when it has under 32 bytes, is not text, or is PEM, because a public key is not a secret.
 */
export function readTokenSecret(text: string, file: string): KeyObject {
  const what = `the secret ${file}`;
  const secret = text.replace(/\r?\n$/, '');
  // Never into this file, which may be a key that is in use.
  const remedy = 'name the file of the secret; a new one is made with: openssl rand -hex 32 > new.secret';
  if (text.includes('-----BEGIN')) {
    throw rejected(
      `${what} is a key or certificate in PEM, which HS256 must never take for a secret`,
      remedy,
    );
  }
  // The decoder writes U+FFFD for bytes that are not UTF-8, so the secret would differ from the signer's.
  if (secret.includes('\ufffd')) throw rejected(`${what} is not text`, remedy);
  const bytes = Buffer.from(secret);
  if (bytes.length < bounds.minSecretBytes) {
    throw rejected(`${what} has ${bytes.length} bytes; at least ${bounds.minSecretBytes} are needed`, remedy);
  }
  return createSecretKey(bytes);
}

const publicRemedy =
  'put the public key of the service that signs tokens there, or make a pair with `swob jwt keygen`';

function pemLabels(text: string): string[] {
  return [...text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----/g)].map(([, label]) => label ?? '');
}

function checkRsa(key: KeyObject, what: string, remedy: string): void {
  if (key.asymmetricKeyType !== 'rsa') {
    throw rejected(`${what} is of type ${key.asymmetricKeyType}; RSA is needed`, remedy);
  }
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < bounds.minBits || modulusLength > bounds.maxBits) {
    throw rejected(
      `${what} has ${modulusLength} bits; ${bounds.minBits} to ${bounds.maxBits} are accepted`,
      remedy,
    );
  }
  if (publicExponent < bounds.minExponent || publicExponent % 2n === 0n) {
    throw rejected(`${what} has a weak exponent; an odd one from ${bounds.minExponent} is accepted`, remedy);
  }
}

/** One trial encryption: an even modulus or an oversized exponent can be parsed, and would fail with every token. */
function checkUsable(key: KeyObject, what: string): void {
  const bytes = Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
  const probe = Buffer.alloc(bytes, 1).fill(0, 0, 1);
  try {
    publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, probe);
  } catch {
    throw rejected(`${what} cannot be used: it is no RSA key that works`, publicRemedy);
  }
}

function rejected(problem: string, remedy: string): SwobError {
  return new SwobError('CONFIG', `${problem}; ${remedy}`);
}
