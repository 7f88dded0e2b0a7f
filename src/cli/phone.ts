// The phone's side of pairing: hands over a public key, then the password, and gets the shared key.
// Used by `swob sync pair`.

import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { oaepDecrypt, oaepEncrypt } from '../crypto/oaep.ts';
import { readPublicKey } from '../crypto/public-key.ts';
import { messageOf, SwobError } from '../errors.ts';
import type { HttpClient } from './http-client.ts';

export interface Paired {
  /** 32 lower-case hex characters, used as 32 bytes of text. Secret. */
  readonly sharedKey: string;
  readonly platforms: unknown;
  readonly seedsUrl: unknown;
}

/**
 * The handshake URL in what a QR code says (`http`, `https`, `app`, `apps`); undefined when the text is
 * no such URL.
 */
export function handshakeUrl(text: string): string | undefined {
  const web = text.replace(/^app(s?):\/\//, 'http$1://');
  if (!/^https?:\/\//.test(web) || !URL.canParse(web)) return undefined;
  return /\/sessions\/[^/]+\/handshake\/?$/.test(new URL(web).pathname) ? web : undefined;
}

/**
 * Runs the whole handshake. Throws REFUSED when the gateway does not know the session,
 * UNAUTHENTICATED for a wrong password, UPSTREAM for an answer that makes no sense.
 */
export async function pairAsPhone(http: HttpClient, url: string, password: string): Promise<Paired> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const offer = await post(http, url, { public_key: publicKey.export({ type: 'spki', format: 'pem' }) });
  const serverKey = readServerKey(textField(offer, 'public_key'));
  const ciphertext = oaepEncrypt(serverKey, Buffer.from(password));
  const answer = await post(http, verificationUrl(url, textField(offer, 'verification_url')), {
    password: ciphertext.toString('base64'),
  });
  return {
    sharedKey: readSharedKey(privateKey, textField(answer, 'shared_key')),
    platforms: answer.user_platforms,
    seedsUrl: answer.seeds_url,
  };
}

async function post(http: HttpClient, url: string, body: object): Promise<Record<string, unknown>> {
  try {
    const answer = await http.json({ method: 'POST', path: url, body });
    if (typeof answer === 'object' && answer !== null) return Object.fromEntries(Object.entries(answer));
  } catch (error) {
    // What is sent here is well formed, so a 400 speaks of the session.
    if (error instanceof SwobError && error.code === 'BAD_INPUT') {
      throw new SwobError('REFUSED', messageOf(error), { cause: error });
    }
    throw error;
  }
  throw new SwobError('UPSTREAM', 'the gateway did not answer the handshake with a JSON object');
}

function textField(answer: Record<string, unknown>, name: string): string {
  const value = answer[name];
  if (typeof value === 'string') return value;
  throw new SwobError('UPSTREAM', `the gateway's answer has no ${name}`);
}

/** The password goes to the host that was scanned and to no other. */
function verificationUrl(handshake: string, path: string): string {
  const { origin } = new URL(handshake);
  const url = URL.canParse(path, origin) ? new URL(path, origin) : undefined;
  if (url?.origin === origin) return url.href;
  throw new SwobError('UPSTREAM', `the gateway's verification_url does not stay on ${origin}`);
}

function readServerKey(pem: string): KeyObject {
  try {
    return readPublicKey(pem).key;
  } catch (error) {
    throw new SwobError('UPSTREAM', `the gateway's own public key cannot be used: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function readSharedKey(privateKey: KeyObject, base64: string): string {
  const key = oaepDecrypt(privateKey, Buffer.from(base64, 'base64'))?.toString('latin1');
  if (key !== undefined && /^[0-9a-f]{32}$/.test(key)) return key;
  throw new SwobError('UPSTREAM', 'the shared key that the gateway sent cannot be read with our key');
}
