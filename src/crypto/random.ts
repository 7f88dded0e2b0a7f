// New identifiers and keys from the system's random generator, and SHA-256 as hex.

import { hash, randomBytes, randomFillSync, randomInt, randomUUID } from 'node:crypto';

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
/**
 * Random bytes of 64 ids, because a call for each took 2 µs. Pooling is safe: session ids are not keys, they appear in
 * URLs.
 */
const pool = Buffer.alloc(64 * idBytes);
let used = pool.length;

/** A shared key: 32 lower-case hex characters, used as 32 bytes of text by AES-256. */
export function newSharedKey(): string {
  return randomBytes(16).toString('hex');
}

/** SHA-256 as 64 hex characters. */
export function sha256Hex(data: Uint8Array | string): string {
  return hash('sha256', data, 'hex');
}

/** The id of a reliability test: 10 digits, so that no one-time code of 4 to 8 digits is one, below 2^31. */
export function randomTestId(): number {
  return randomInt(1_000_000_000, 2 ** 31);
}

/** A random UUID (version 4). */
export function newUuid(): string {
  return randomUUID();
}

/** A random whole number from 0 up to, not including, `limit`. */
export function randomNumber(limit: number): number {
  return randomInt(limit);
}
