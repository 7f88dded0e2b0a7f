// A phone that pairs over HTTP: session, handshake, password. Used by phones.ts and mixed.ts.

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
import { Pool } from 'undici';

/** Key pairs are shared by pairings: generating one costs more than a pairing. */
const keyPairs = 4;

export interface Phone {
  /** A complete pairing; throws with an unexpected response. With `check` the phone verifies its shared key. */
  pair(user: string, check: boolean): Promise<void>;
}

export function createPhone(gateway: string, connections: number): Phone {
  const pool = new Pool(gateway, { connections, pipelining: 1 });
  const pairs = Array.from({ length: keyPairs }, () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    return { pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(), privateKey };
  });
  let serverKey: { readonly pem: string; readonly key: KeyObject } | undefined;
  let pairings = 0;

  const call = async (method: 'GET' | 'POST', path: string, body?: object): Promise<string> => {
    const { statusCode, body: answer } = await pool.request({
      method,
      path,
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await answer.text();
    if (statusCode !== 200) throw new Error(`${method} ${path}: ${statusCode} ${text}`);
    return text;
  };

  return {
    pair: async (user, check) => {
      const own = pairs[pairings++ % pairs.length];
      if (!own) throw new Error('there are no key pairs');
      const session = (await call('GET', `/v2/sync/users/${user}`)).split('/').at(-1);
      const path = `/v2/sync/users/${user}/sessions/${session}`;
      const { public_key: pem }: { public_key: string } = JSON.parse(
        await call('POST', `${path}/handshake`, { public_key: own.pem }),
      );
      const key = serverKey?.pem === pem ? serverKey.key : createPublicKey(pem);
      serverKey = { pem, key };
      const password = oaep(key, Buffer.from('secret')).toString('base64');
      const { shared_key: shared } = JSON.parse(await call('POST', path, { password }));
      if (check) assertForUs(own.privateKey, Buffer.from(shared, 'base64'));
    },
  };
}

/** Only with the right key the block begins with a zero and ends with 32 hex digits. */
function assertForUs(privateKey: KeyObject, ciphertext: Buffer): void {
  const block = privateDecrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, ciphertext);
  const seed = xor(block.subarray(1, 33), mgf1(block.subarray(33), 32));
  const message = xor(block.subarray(33), mgf1(seed, 223)).subarray(-32).toString('latin1');
  if (!/^[0-9a-f]{32}$/.test(message)) throw new Error('the shared key is not encrypted for the phone');
}

/** RSA-OAEP with SHA-256 and MGF1-SHA-1 for a key of 2048 bits, as Android does it. */
function oaep(key: KeyObject, message: Buffer): Buffer {
  const padding = Buffer.alloc(256 - message.length - 66);
  const block = Buffer.concat([createHash('sha256').digest(), padding, Buffer.from([1]), message]);
  const seed = randomBytes(32);
  const maskedBlock = xor(block, mgf1(seed, block.length));
  const encoded = Buffer.concat([Buffer.from([0]), xor(seed, mgf1(maskedBlock, 32)), maskedBlock]);
  return publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, encoded);
}

function mgf1(seed: Buffer, length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 20) }, (_, counter) => {
    const index = Buffer.alloc(4);
    index.writeUInt32BE(counter);
    return createHash('sha1').update(seed).update(index).digest();
  });
  return Buffer.concat(blocks, length);
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, index) => byte ^ (b[index] ?? 0)));
}
