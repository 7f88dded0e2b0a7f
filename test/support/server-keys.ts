// A server key pair, generated once for each worker, as that takes longer than most tests.

import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

let pair: { readonly publicKey: string; readonly privateKey: string } | undefined;

/** Writes `public.pem` and `private.pem` into the folder, which is made when it is missing. */
export function writeServerKeys(folder: string): void {
  pair ??= generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, 'public.pem'), pair.publicKey, { mode: 0o644 });
  writeFileSync(join(folder, 'private.pem'), pair.privateKey, { mode: 0o600 });
}
