// The baseline of B4: RSA-OAEP decrypts a second by OpenSSL on this core. A line on stdin with seconds starts a round,
// and a line of JSON ends it.

import { constants, generateKeyPairSync, privateDecrypt, publicEncrypt } from 'node:crypto';
import { createInterface } from 'node:readline';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const padding = constants.RSA_PKCS1_OAEP_PADDING;
const oaepHash = 'sha256';
const ciphertext = publicEncrypt({ key: publicKey, padding, oaepHash }, Buffer.from('correct horse'));

process.stdout.write('{"ready":true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  const since = performance.now();
  const until = since + Number(line) * 1_000;
  let count = 0;
  while (performance.now() < until) {
    privateDecrypt({ key: privateKey, padding, oaepHash }, ciphertext);
    count++;
  }
  const seconds = (performance.now() - since) / 1_000;
  process.stdout.write(`${JSON.stringify({ perSecond: count / seconds })}\n`);
}
