// The phone's side of pairing: sends a public key, then the encrypted password, and receives the shared key.
// Used by `swob sync pair`.

import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { oaepDecrypt, oaepEncrypt } from '../../crypto/oaep.ts';
import { readPublicKey } from '../../crypto/public-key.ts';
import { messageOf, SwobError } from '../../errors.ts';
import { isObject } from '../../lib/json.ts';
import type { HttpClient } from './http-client.ts';

export interface PairingResult {
  /** Secret: 32 lower-case hex characters, whose ASCII bytes are the key. */
  readonly sharedKey: string;
  readonly platforms: unknown;
  readonly seedsUrl: unknown;
}

/**
 * The handshake URL in the text of a QR code (`http`, `https`, `app` or `apps`); undefined for any other text.
 */
export function parseHandshakeUrl(text: string): string | undefined {
  const web = text.replace(/^app(s?):\/\//, 'http$1://');
  if (!/^https?:\/\//.test(web) || !URL.canParse(web)) return undefined;
  return /\/sessions\/[^/]+\/handshake\/?$/.test(new URL(web).pathname) ? web : undefined;
}

/**
 * Runs the complete handshake. Throws REFUSED when the gateway does not know the session,
 * UNAUTHENTICATED for a wrong password, UPSTREAM for an invalid response.
 */
export async function pairAsPhone(http: HttpClient, url: string, password: string): Promise<PairingResult> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const offer = await post(http, url, { public_key: publicKey.export({ type: 'spki', format: 'pem' }) });
  const serverKey = readServerKey(requireString(offer, 'public_key'));
  const ciphertext = oaepEncrypt(serverKey, Buffer.from(password));
  const response = await post(http, verificationUrl(url, requireString(offer, 'verification_url')), {
    password: ciphertext.toString('base64'),
  });
  return {
    sharedKey: readSharedKey(privateKey, requireString(response, 'shared_key')),
    platforms: response.user_platforms,
    seedsUrl: response.seeds_url,
  };
}

async function post(http: HttpClient, url: string, body: object): Promise<Record<string, unknown>> {
  try {
    const response = await http.json({ method: 'POST', path: url, body });
    if (isObject(response)) return response;
  } catch (error) {
    // The request is well formed, so a 400 concerns the session.
    if (error instanceof SwobError && error.code === 'BAD_INPUT') {
      throw new SwobError('REFUSED', messageOf(error), { cause: error });
    }
    throw error;
  }
  throw new SwobError('UPSTREAM', 'the gateway did not respond to the handshake with a JSON object');
}

function requireString(response: Record<string, unknown>, name: string): string {
  const value = response[name];
  if (typeof value === 'string') return value;
  throw new SwobError('UPSTREAM', `the gateway's response has no ${name}`);
}

/** Sends the password only to the origin of the scanned URL. */
function verificationUrl(handshake: string, path: string): string {
  const { origin } = new URL(handshake);
  const url = URL.canParse(path, origin) ? new URL(path, origin) : undefined;
  if (url?.origin === origin) return url.href;
  throw new SwobError('UPSTREAM', `the gateway's verification_url is not on ${origin}`);
}

function readServerKey(pem: string): KeyObject {
  try {
    return readPublicKey(pem).key;
  } catch (error) {
    throw new SwobError('UPSTREAM', `the gateway's public key is invalid: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function readSharedKey(privateKey: KeyObject, base64: string): string {
  const key = oaepDecrypt(privateKey, Buffer.from(base64, 'base64'))?.toString('latin1');
  if (key !== undefined && /^[0-9a-f]{32}$/.test(key)) return key;
  throw new SwobError('UPSTREAM', "the gateway's shared_key cannot be decrypted with the key of this phone");
}
