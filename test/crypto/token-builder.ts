// Tokens built without src/crypto, with the openssl program or node:crypto for the signature: no code is shared
// with what verifies them.

import { execFileSync } from 'node:child_process';
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
export const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
export const privatePem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
export const other = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** The claims of the documented sample. */
export const sampleClaims = {
  sub: 'user',
  auth: ['ROLE_ADMIN'],
  iat: 1_559_279_580,
  exp: 1_559_351_580,
  nasIp: '100.112.0.1',
  sessionId: '5692549928996307964',
  vrf: '1',
  clientMac: 'FC-45-96-5F-50-AC',
};
/** A moment at which they are good, in milliseconds. */
export const sampleTime = 1_559_300_000_000;

export const base64url = (data: string | Uint8Array): string => Buffer.from(data).toString('base64url');
const text = (json: unknown): string => (typeof json === 'string' ? json : JSON.stringify(json));

/** A token of any header and payload (JSON text, or values), signed as RS256 whatever the header says. */
export function rs256(
  payload: unknown,
  header: unknown = { alg: 'RS256', typ: 'JWT' },
  key: KeyObject = privateKey,
): string {
  return signedOver(base64url(text(header)), base64url(text(payload)), key);
}

/** The same for parts that are encoded already. */
export function signedOver(header: string, payload: string, key: KeyObject = privateKey): string {
  const input = `${header}.${payload}`;
  return `${input}.${base64url(sign('sha256', Buffer.from(input), key))}`;
}

export function hs256(
  payload: unknown,
  secret: string | Uint8Array,
  header: unknown = { alg: 'HS256' },
): string {
  const input = `${base64url(text(header))}.${base64url(text(payload))}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

/** Signed by the openssl program. */
export function opensslToken(payload: unknown, digest: 'sha256' | 'sha384', alg: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'swob-token-'));
  try {
    const file = join(folder, 'private.pem');
    writeFileSync(file, privatePem, { mode: 0o600 });
    const input = `${base64url(text({ alg, typ: 'JWT' }))}.${base64url(text(payload))}`;
    const signature = execFileSync('openssl', ['dgst', `-${digest}`, '-sign', file], { input });
    return `${input}.${base64url(signature)}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
