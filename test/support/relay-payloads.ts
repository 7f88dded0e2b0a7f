// Payloads of RelaySMS, written against docs/specification.md of RelaySMS-Publisher and the app alone: it shares no code with the
// server.

import { randomBytes } from 'node:crypto';

interface PayloadOptions {
  readonly ciphertext?: Buffer;
  readonly deviceId?: Buffer;
}

const uint16 = (value: number): Buffer => Buffer.from([value & 0xff, value >> 8]);

/** The bytes of a payload of V1 to V4. */
export function versionedPayload(
  version: 1 | 2 | 3 | 4,
  { ciphertext = randomBytes(150), deviceId = randomBytes(32) }: PayloadOptions = {},
): Buffer {
  const head = [Buffer.from([version]), uint16(ciphertext.length), Buffer.from([deviceId.length])];
  return Buffer.concat([...head, Buffer.from('g'), ciphertext, deviceId, Buffer.from('en')]);
}

export function payloadV0({
  ciphertext = randomBytes(150),
  deviceId = randomBytes(32),
}: PayloadOptions = {}) {
  return Buffer.concat([uint16(ciphertext.length), uint16(0), Buffer.from('g'), ciphertext, deviceId]);
}

/** Of a user who is logged in, or with the key of a new one. */
export function bridgePayload({ ciphertext = randomBytes(120) }: PayloadOptions = {}, key?: Buffer): Buffer {
  const tail = [ciphertext, Buffer.from('en')];
  if (!key) {
    return Buffer.concat([Buffer.from([0, 2, 1]), uint16(ciphertext.length), Buffer.from('e'), ...tail]);
  }
  const head = [Buffer.from([0, 2, 0, key.length]), uint16(ciphertext.length), Buffer.from('e\0'), key];
  return Buffer.concat([...head, ...tail]);
}

/** The SMS of an image: each begins with base64 of its own, and continues a piece of the image's. */
export function imageSegments(content: string, session = 42, size = 140): string[] {
  const pieces = content.match(new RegExp(`.{1,${size}}`, 'g')) ?? [];
  return pieces.map((piece, number) => {
    const first = [pieces.length, ...uint16(300), ...uint16(20)];
    return Buffer.from([4, session, number, ...(number === 0 ? first : [])]).toString('base64') + piece;
  });
}

/** As Android's Base64.DEFAULT does it. */
export const wrapped = (text: string): string => text.replace(/.{1,76}/g, '$&\n');

/** The texts in which a phone submits a long SMS part by part. */
export const splitSms = (text: string): string[] => text.match(/[\s\S]{1,153}/g) ?? [];
