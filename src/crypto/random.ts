// Fresh identifiers and keys, from the system's generator.

import { hash, randomBytes, randomFillSync, randomUUID } from 'node:crypto';

/** A session id: 32 lower-case hex characters, 128 random bits. */
export function newSessionId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const id = pool.toString('hex', used, used + idBytes);
  used += idBytes;
  return id;
}

const idBytes = 16;
/** For 64 ids at once: to ask for the bytes of each took 2 µs. Session ids are no keys: they are shown in URLs. */
const pool = Buffer.alloc(64 * idBytes);
let used = pool.length;

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
