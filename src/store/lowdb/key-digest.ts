// Digests of keys for indexes in memory: 64 bits, by a secret of this process, so that nobody can choose keys whose digests are
// equal. Two equal ones are noticed when the line is read, which has the key. Used by indexed-ttl-store.ts.

import { randomBytes } from 'node:crypto';

export interface Digest {
  /** Unsigned 32-bit integers. */
  readonly high: number;
  readonly low: number;
}

/** The digest of the bytes from `start` to before `stop`. */
export type KeyDigest = (bytes: Uint8Array, start: number, stop: number) => Digest;

/** Not SHA-256, which takes a microsecond for each of a million keys at a start. */
export function createKeyDigest(secret: Uint8Array = randomBytes(8)): KeyDigest {
  const view = new DataView(secret.buffer, secret.byteOffset, secret.byteLength);
  const [firstSeed, secondSeed] = [view.getUint32(0), view.getUint32(4)];
  return (bytes, start, stop) => {
    let a = firstSeed;
    let b = secondSeed;
    for (let at = start; at < stop; at++) {
      const byte = bytes[at] ?? 0;
      // Two steps of FNV-1a and of a multiplication with rotation, which have no collisions in common.
      a = Math.imul(a ^ byte, 0x01_00_01_93);
      b = Math.imul(((b << 5) | (b >>> 27)) ^ byte, 0x9e_37_79_b1);
    }
    return { high: mix(a ^ (stop - start)), low: mix(b ^ mix(a)) };
  };
}

/** The last step of MurmurHash3: each bit of the result depends on all bits. */
function mix(bits: number): number {
  let mixed = Math.imul(bits ^ (bits >>> 16), 0x85_eb_ca_6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2_b2_ae_35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
