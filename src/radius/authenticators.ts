// The authenticators of RADIUS packets: made and verified with the shared secret (RFC 2866, section 3; RFC 3579, section 3.2;
// RFC 5176, sections 2.3 and 3.4). Used by the client, the stub of a NAS and the accounting listener.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { attributeTypes } from './attributes.ts';
import {
  type Attribute,
  authenticatorBytes,
  decodePacket,
  encodePacket,
  headerBytes,
  type Packet,
  packetCodes,
} from './packet.ts';

/** A packet to send, without its authenticators. */
export interface UnsealedPacket {
  readonly code: number;
  readonly identifier: number;
  readonly attributes: readonly Attribute[];
}

/**
 * - `authenticator`: the Request or Response Authenticator does not match the secret
 * - `message authenticator`: the Message-Authenticator does not match, is there twice, or has not 16 bytes
 */
export type SealFault = 'authenticator' | 'message authenticator';

const zeros = Buffer.alloc(authenticatorBytes);
/** The first attribute, so that nothing that a sender can choose stands before it. */
const emptyMessageAuthenticator: Attribute = { type: attributeTypes.messageAuthenticator, value: zeros };

/**
 * The bytes of a Disconnect-Request, CoA-Request or Accounting-Request, with Message-Authenticator. Throws RangeError when the
 * attributes are too large for a packet.
 */
export function sealRequest(packet: UnsealedPacket, secret: Buffer): Buffer {
  return seal(packet, zeros, secret);
}

/** The bytes of the answer to a request with that authenticator. Throws RangeError as above. */
export function sealResponse(packet: UnsealedPacket, requestAuthenticator: Buffer, secret: Buffer): Buffer {
  return seal(packet, requestAuthenticator, secret);
}

/**
 * The bytes of the Accounting-Response to a request: with its Proxy-State attributes (RFC 2865, section 5.33), and without a
 * Message-Authenticator, which RFC 2866 does not know.
 */
export function sealAccountingResponse(request: Packet, secret: Buffer): Buffer {
  const { identifier, authenticator } = request;
  const attributes = request.attributes.filter(({ type }) => type === attributeTypes.proxyState);
  const bytes = encodePacket({ code: packetCodes.accountingResponse, identifier, authenticator, attributes });
  digest(bytes, secret).copy(bytes, 4);
  return bytes;
}

/** Both authenticators are calculated with `seed` in place of the authenticator: zeros, or that of the request. */
function seal({ code, identifier, attributes }: UnsealedPacket, seed: Buffer, secret: Buffer): Buffer {
  const all = [emptyMessageAuthenticator, ...attributes];
  const bytes = encodePacket({ code, identifier, authenticator: seed, attributes: all });
  hmac(bytes, secret).copy(bytes, headerBytes + 2);
  digest(bytes, secret).copy(bytes, 4);
  return bytes;
}

/** The fault of a request's bytes; undefined when they match the secret. A Message-Authenticator is verified if it is there. */
export function requestFault(bytes: Buffer, secret: Buffer): SealFault | undefined {
  return faultOf(bytes, zeros, secret);
}

/** The same of an answer to a request with that authenticator. */
export function responseFault(
  bytes: Buffer,
  requestAuthenticator: Buffer,
  secret: Buffer,
): SealFault | undefined {
  return faultOf(bytes, requestAuthenticator, secret);
}

function faultOf(bytes: Buffer, seed: Buffer, secret: Buffer): SealFault | undefined {
  const copy = Buffer.from(bytes);
  seed.copy(copy, 4);
  if (!timingSafeEqual(digest(copy, secret), bytes.subarray(4, headerBytes))) return 'authenticator';
  const places = messageAuthenticatorPlaces(bytes);
  if (places.length === 0) return undefined;
  const [at] = places;
  if (at === undefined || places.length > 1) return 'message authenticator';
  const given = bytes.subarray(at, at + authenticatorBytes);
  if (bytes[at - 1] !== authenticatorBytes + 2) return 'message authenticator';
  zeros.copy(copy, at);
  return timingSafeEqual(hmac(copy, secret), given) ? undefined : 'message authenticator';
}

/** Offsets of the values of all Message-Authenticators. */
function messageAuthenticatorPlaces(bytes: Buffer): number[] {
  const decoded = decodePacket(bytes);
  if (decoded.kind !== 'packet') return [];
  const places: number[] = [];
  let at = headerBytes;
  for (const { type, value } of decoded.packet.attributes) {
    if (type === attributeTypes.messageAuthenticator) places.push(at + 2);
    at += value.length + 2;
  }
  return places;
}

function digest(bytes: Buffer, secret: Buffer): Buffer {
  return createHash('md5').update(bytes).update(secret).digest();
}

function hmac(bytes: Buffer, secret: Buffer): Buffer {
  return createHmac('md5', secret).update(bytes).digest();
}
