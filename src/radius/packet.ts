// RADIUS packets as bytes (RFC 2865, section 3). Used by authenticators.ts, the client, and all that reads or answers packets.

/** The codes of the packets that swob sends or receives. */
export const packetCodes = {
  accountingRequest: 4,
  accountingResponse: 5,
  disconnectRequest: 40,
  disconnectAck: 41,
  disconnectNak: 42,
  coaRequest: 43,
  coaAck: 44,
  coaNak: 45,
} as const;

export const headerBytes = 20;
export const authenticatorBytes = 16;
/** Of a packet (RFC 2865, section 3). */
const maxPacketBytes = 4_096;
/** Of an attribute's value: its length has one byte, and counts type and length too. */
export const maxValueBytes = 253;

export interface Attribute {
  /** 1 to 255. */
  readonly type: number;
  /** 0 to 253 bytes. */
  readonly value: Buffer;
}

export interface Packet {
  /** 0 to 255. */
  readonly code: number;
  /** 0 to 255. */
  readonly identifier: number;
  /** 16 bytes. */
  readonly authenticator: Buffer;
  /** In their order, which is part of the bytes that are authenticated. */
  readonly attributes: readonly Attribute[];
}

/**
 * Why bytes are not a packet:
 * - `too short`: fewer than the 20 bytes of a header
 * - `length`: the length in the header is below 20, above 4,096, or more than what was received
 * - `attribute`: an attribute is shorter than its own header, or ends behind the packet
 */
type PacketFault = 'too short' | 'length' | 'attribute';

export type DecodedPacket =
  | {
      readonly kind: 'packet';
      readonly packet: Packet;
      /** The bytes of the packet, without those that were received behind it. */
      readonly bytes: Buffer;
    }
  | { readonly kind: 'malformed'; readonly fault: PacketFault };

/** Decodes a datagram. Never throws; what it returns are views of `datagram`. */
export function decodePacket(datagram: Buffer): DecodedPacket {
  if (datagram.length < headerBytes) return { kind: 'malformed', fault: 'too short' };
  const length = datagram.readUInt16BE(2);
  if (length < headerBytes || length > maxPacketBytes || length > datagram.length)
    return { kind: 'malformed', fault: 'length' };
  const bytes = datagram.subarray(0, length);
  const attributes = decodeAttributes(bytes.subarray(headerBytes));
  if (!attributes) return { kind: 'malformed', fault: 'attribute' };
  const packet = {
    code: bytes.readUInt8(0),
    identifier: bytes.readUInt8(1),
    authenticator: bytes.subarray(4, headerBytes),
    attributes,
  };
  return { kind: 'packet', packet, bytes };
}

function decodeAttributes(bytes: Buffer): Attribute[] | undefined {
  const attributes: Attribute[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [type, length] = [bytes[at], bytes[at + 1]];
    if (type === undefined || length === undefined || length < 2 || at + length > bytes.length)
      return undefined;
    attributes.push({ type, value: bytes.subarray(at + 2, at + length) });
    at += length;
  }
  return attributes;
}

/** Encodes a packet. Throws RangeError when an attribute is over 253 bytes, or the packet over 4,096. */
export function encodePacket({ code, identifier, authenticator, attributes }: Packet): Buffer {
  const length = attributes.reduce((sum, { value }) => sum + 2 + value.length, headerBytes);
  if (length > maxPacketBytes)
    throw new RangeError(`the packet has ${length} bytes, more than ${maxPacketBytes}`);
  const bytes = Buffer.alloc(length);
  bytes.writeUInt8(code, 0);
  bytes.writeUInt8(identifier, 1);
  bytes.writeUInt16BE(length, 2);
  authenticator.copy(bytes, 4, 0, authenticatorBytes);
  let at = headerBytes;
  for (const { type, value } of attributes) {
    if (value.length > maxValueBytes)
      throw new RangeError(`attribute ${type} has ${value.length} bytes, more than ${maxValueBytes}`);
    bytes.writeUInt8(type, at);
    bytes.writeUInt8(value.length + 2, at + 1);
    value.copy(bytes, at + 2);
    at += value.length + 2;
  }
  return bytes;
}
