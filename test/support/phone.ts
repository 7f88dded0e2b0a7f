// A phone that pairs, written against docs/protocol.md with node:crypto and fetch alone: it shares no code
// with the server, so that both cannot be wrong in the same way.

import {
  constants,
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';

export interface Phone {
  readonly publicKeyPem: string;
  readonly privateKey: KeyObject;
}

/** Number of different keys, which are then reused: generating one takes 100 ms of CPU time. */
const differentKeys = 8;
const phones: Phone[] = [];
let created = 0;

export function createPhone(modulusLength = 2048): Phone {
  if (modulusLength !== 2048) return makePhone(modulusLength);
  const index = created++ % differentKeys;
  phones[index] ??= makePhone(modulusLength);
  return phones[index];
}

function makePhone(modulusLength: number): Phone {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength });
  return { publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(), privateKey };
}

export interface TextResponse {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

/** Posts a string unchanged, and an object as JSON. */
export async function post(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<TextResponse> {
  const raw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: raw ? body : JSON.stringify(body),
  });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

export async function get(url: string, init: RequestInit = {}): Promise<TextResponse> {
  const response = await fetch(url, init);
  return { status: response.status, text: await response.text(), headers: response.headers };
}

/** The websocket URL of a new session. */
export async function openSession(gateway: string, userId: string): Promise<string> {
  const { status, text } = await get(`${gateway}/v2/sync/users/${userId}`);
  if (status !== 200) throw new Error(`new session: ${status} ${text}`);
  return text;
}

/** The handshake URL of the session in a websocket URL. */
export function handshakeUrlOf(gateway: string, initUrl: string): string {
  const [userId, sessionId] = initUrl.split('/').slice(-2);
  return `${gateway}/v2/sync/users/${userId}/sessions/${sessionId}/handshake`;
}

/** MGF1 with SHA-1, RFC 8017 B.2.1. */
function mgf1Sha1(seed: Buffer, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let counter = 0; blocks.length * 20 < length; counter++) {
    const index = Buffer.alloc(4);
    index.writeUInt32BE(counter);
    blocks.push(createHash('sha1').update(seed).update(index).digest());
  }
  return Buffer.concat(blocks).subarray(0, length);
}

const xor = (a: Buffer, b: Buffer): Buffer => Buffer.from(a.map((byte, index) => byte ^ (b[index] ?? 0)));

/** RSA-OAEP, SHA-256 and MGF1-SHA-1, RFC 8017 7.1.1; `label` is empty in the protocol. */
export function encryptFor(publicKeyPem: string, message: Uint8Array, label = ''): Buffer {
  const size = (createPublicKey(publicKeyPem).asymmetricKeyDetails?.modulusLength ?? 0) / 8;
  const hash = createHash('sha256').update(label).digest();
  const padding = Buffer.alloc(size - message.length - 2 * 32 - 2);
  const block = Buffer.concat([hash, padding, Buffer.from([1]), message]);
  const seed = randomBytes(32);
  const maskedBlock = xor(block, mgf1Sha1(seed, block.length));
  const maskedSeed = xor(seed, mgf1Sha1(maskedBlock, 32));
  const encoded = Buffer.concat([Buffer.from([0]), maskedSeed, maskedBlock]);
  return publicEncrypt({ key: publicKeyPem, padding: constants.RSA_NO_PADDING }, encoded);
}

/** The inverse, for what the server sends. Throws when the padding is not what the protocol says. */
export function decryptWith(privateKey: KeyObject, ciphertext: Buffer): Buffer {
  const encoded = privateDecrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, ciphertext);
  const maskedBlock = encoded.subarray(33);
  const seed = xor(encoded.subarray(1, 33), mgf1Sha1(maskedBlock, 32));
  const block = xor(maskedBlock, mgf1Sha1(seed, maskedBlock.length));
  const end = block.indexOf(1, 32);
  if (
    !block.subarray(0, 32).equals(createHash('sha256').digest()) ||
    block.subarray(32, end).some((byte) => byte !== 0)
  ) {
    throw new Error('not OAEP with SHA-256 and MGF1-SHA-1');
  }
  return block.subarray(end + 1);
}

/** Handshake: the server's public key and where to verify. */
export async function shakeHands(
  url: string,
  phone: Phone,
): Promise<{ publicKey: string; verificationUrl: string }> {
  const { status, text } = await post(url, { public_key: phone.publicKeyPem });
  if (status !== 200) throw new Error(`handshake: ${status} ${text}`);
  const { public_key, verification_url } = JSON.parse(text) as {
    public_key: string;
    verification_url: string;
  };
  return { publicKey: public_key, verificationUrl: new URL(verification_url, url).href };
}

/** The whole pairing after a scan. @returns the shared key as text */
export async function pair(handshakeUrl: string, phone: Phone, password: string): Promise<string> {
  const { publicKey, verificationUrl } = await shakeHands(handshakeUrl, phone);
  const { status, text } = await post(verificationUrl, {
    password: encryptFor(publicKey, Buffer.from(password)).toString('base64'),
  });
  if (status !== 200) throw new Error(`password: ${status} ${text}`);
  const { shared_key } = JSON.parse(text) as { shared_key: string };
  return decryptWith(phone.privateKey, Buffer.from(shared_key, 'base64')).toString();
}
