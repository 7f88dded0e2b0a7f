// RADIUS attributes: their numbers and their values (RFC 2865, 2866, 2869, 3162, 5176). Used wherever packets are built or read.

import { isIPv4 } from 'node:net';
import { canonicalIpv6, mappedIpv4 } from '../lib/net.ts';
import { ipv6Groups } from '../lib/networks.ts';
import { type Attribute, maxValueBytes, type Packet } from './packet.ts';

export const attributeTypes = {
  userName: 1,
  nasIpAddress: 4,
  serviceType: 6,
  framedIpAddress: 8,
  replyMessage: 18,
  vendorSpecific: 26,
  calledStationId: 30,
  callingStationId: 31,
  nasIdentifier: 32,
  proxyState: 33,
  acctStatusType: 40,
  acctSessionId: 44,
  eventTimestamp: 55,
  messageAuthenticator: 80,
  nasIpv6Address: 95,
  errorCause: 101,
  framedIpv6Address: 168,
} as const;

/** UTF-8. Throws RangeError over 253 bytes. */
export function textAttribute(type: number, text: string): Attribute {
  const value = Buffer.from(text, 'utf8');
  if (value.length > maxValueBytes)
    throw new RangeError(`attribute ${type} would have ${value.length} bytes, more than ${maxValueBytes}`);
  return { type, value };
}

/** An unsigned integer of 32 bits, which times in seconds are, too. */
export function integerAttribute(type: number, number: number): Attribute {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(number);
  return { type, value };
}

/** The address in the attribute of its family; an IPv4-mapped IPv6 address counts as IPv4. Throws RangeError for others. */
export function addressAttribute(
  types: { readonly ipv4: number; readonly ipv6: number },
  ip: string,
): Attribute {
  const canonical = canonicalIpv6(ip);
  const ipv4 = isIPv4(ip) ? ip : canonical === undefined ? undefined : mappedIpv4(canonical);
  if (ipv4 !== undefined) return { type: types.ipv4, value: Buffer.from(ipv4.split('.').map(Number)) };
  if (canonical === undefined) throw new RangeError(`${ip} is not an address`);
  return { type: types.ipv6, value: Buffer.from(ipv6Groups(canonical).join(''), 'hex') };
}

/** A Vendor-Specific attribute with one sub-attribute (RFC 2865, section 5.26). Throws RangeError over 247 bytes of text. */
export function vendorAttribute(vendor: number, type: number, text: string): Attribute {
  const value = Buffer.from(text, 'utf8');
  if (value.length > maxValueBytes - 6)
    throw new RangeError(`attribute ${type} of vendor ${vendor} would have ${value.length} bytes`);
  const header = Buffer.alloc(6);
  header.writeUInt32BE(vendor);
  header.writeUInt8(type, 4);
  header.writeUInt8(value.length + 2, 5);
  return { type: attributeTypes.vendorSpecific, value: Buffer.concat([header, value]) };
}

/** The value of the first attribute of that type. */
export function bytesOf({ attributes }: Pick<Packet, 'attributes'>, type: number): Buffer | undefined {
  return attributes.find((attribute) => attribute.type === type)?.value;
}

/** Undefined where there is none, or where it is not valid UTF-8. */
export function textOf(packet: Pick<Packet, 'attributes'>, type: number): string | undefined {
  const value = bytesOf(packet, type);
  if (!value) return undefined;
  const text = value.toString('utf8');
  return text.includes('\ufffd') ? undefined : text;
}

/** Undefined where there is none, or where it does not have four bytes. */
export function integerOf(packet: Pick<Packet, 'attributes'>, type: number): number | undefined {
  const value = bytesOf(packet, type);
  return value?.length === 4 ? value.readUInt32BE() : undefined;
}

/** An address of either family; undefined where there is none of 4 or 16 bytes. */
export function addressOf(packet: Pick<Packet, 'attributes'>, type: number): string | undefined {
  const value = bytesOf(packet, type);
  if (value?.length === 4) return value.join('.');
  if (value?.length !== 16) return undefined;
  return canonicalIpv6(value.toString('hex').replace(/(.{4})(?!$)/g, '$1:'));
}
