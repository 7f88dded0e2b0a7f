// Fresh identifiers and keys, from the system's generator.

import { hash, randomBytes, randomUUID } from 'node:crypto';

/** A session id: 32 lower-case hex characters, 128 random bits. */
export function newSessionId(): string {
  return randomBytes(16).toString('hex');
}

/** A shared key: 32 lower-case hex characters, used as 32 bytes of text by AES-256. */
export function newSharedKey(): string {
  return randomBytes(16).toString('hex');
}

/** SHA-256 as 64 hex characters. */
export function sha256Hex(data: Uint8Array): string {
  return hash('sha256', data, 'hex');
}

/** A random UUID (version 4). */
export function newUuid(): string {
  return randomUUID();
}
