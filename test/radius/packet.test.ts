// The codec of RADIUS packets: what is encoded is decoded again, and any bytes give a packet or a named fault.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addressAttribute,
  addressOf,
  attributeTypes,
  integerAttribute,
  integerOf,
  textAttribute,
  textOf,
  vendorAttribute,
} from '../../src/radius/attributes.ts';
import { requestFault, responseFault, sealRequest, sealResponse } from '../../src/radius/authenticators.ts';
import { decodePacket, encodePacket, type Packet } from '../../src/radius/packet.ts';

const bytes = (constraints: fc.IntArrayConstraints) =>
  fc.uint8Array(constraints).map((array) => Buffer.from(array));
const attribute = fc.record({ type: fc.integer({ min: 1, max: 255 }), value: bytes({ maxLength: 253 }) });
const unsealed = fc.record({
  code: fc.constantFrom(4, 40, 43),
  identifier: fc.integer({ min: 0, max: 255 }),
  attributes: fc.array(
    attribute.filter(({ type }) => type !== attributeTypes.messageAuthenticator),
    { maxLength: 15 },
  ),
});
const secretText = bytes({ minLength: 1, maxLength: 64 });

test('a packet survives encoding and decoding, with bytes behind it or without', () => {
  const packet: fc.Arbitrary<Packet> = fc.record({
    code: fc.integer({ min: 0, max: 255 }),
    identifier: fc.integer({ min: 0, max: 255 }),
    authenticator: bytes({ minLength: 16, maxLength: 16 }),
    attributes: fc.array(attribute, { maxLength: 15 }),
  });
  fc.assert(
    fc.property(packet, bytes({ maxLength: 40 }), (original, padding) => {
      const encoded = encodePacket(original);
      expect(decodePacket(Buffer.concat([encoded, padding]))).toEqual({
        kind: 'packet',
        packet: original,
        bytes: encoded,
      });
    }),
  );
});

test('any bytes give a packet or a named fault, and what is decoded encodes to the same bytes', () => {
  const withHeader = fc
    .tuple(bytes({ minLength: 20, maxLength: 300 }), fc.integer({ min: 0, max: 400 }))
    .map(([datagram, length]) => {
      datagram.writeUInt16BE(length, 2);
      return datagram;
    });
  fc.assert(
    fc.property(fc.oneof(bytes({ maxLength: 300 }), withHeader), (datagram) => {
      const decoded = decodePacket(datagram);
      if (decoded.kind === 'malformed') expect(decoded.fault).toMatch(/^(too short|length|attribute)$/);
      else expect(encodePacket(decoded.packet).equals(decoded.bytes)).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

test.each([
  ['', 'too short'],
  [`29000014${'00'.repeat(15)}`, 'too short'],
  [`29000013${'00'.repeat(16)}`, 'length'],
  [`29000015${'00'.repeat(16)}`, 'length'],
  [`2900ffff${'00'.repeat(65_600)}`, 'length'],
  [`29001001${'00'.repeat(5_000)}`, 'length'],
  [`29000016${'00'.repeat(16)}0100`, 'attribute'],
  [`29000016${'00'.repeat(16)}0101`, 'attribute'],
  [`29000016${'00'.repeat(16)}0103`, 'attribute'],
  [`29000015${'00'.repeat(16)}01`, 'attribute'],
])('malformed bytes are named', (hex, fault) => {
  expect(decodePacket(Buffer.from(hex, 'hex'))).toEqual({ kind: 'malformed', fault });
});

test('what is too large is not encoded', () => {
  const base = { code: 40, identifier: 0, authenticator: Buffer.alloc(16) };
  const large = { type: 1, value: Buffer.alloc(254) };
  expect(() => encodePacket({ ...base, attributes: [large] })).toThrow(RangeError);
  const many = Array.from({ length: 17 }, () => ({ type: 1, value: Buffer.alloc(253) }));
  expect(() => encodePacket({ ...base, attributes: many })).toThrow(/more than 4096/);
  expect(() => textAttribute(1, 'é'.repeat(127))).toThrow(RangeError);
  expect(() => vendorAttribute(9, 1, 'x'.repeat(248))).toThrow(RangeError);
});

test('a sealed packet is accepted with its secret, and never with one bit changed', () => {
  fc.assert(
    fc.property(unsealed, secretText, fc.nat(), fc.integer({ min: 0, max: 7 }), (packet, secret, at, bit) => {
      const sealed = sealRequest(packet, secret);
      expect(requestFault(sealed, secret)).toBeUndefined();
      const changed = Buffer.from(sealed);
      changed[at % sealed.length] = (sealed[at % sealed.length] ?? 0) ^ (1 << bit);
      expect(requestFault(changed, secret)).toBeDefined();
      expect(requestFault(sealed, Buffer.concat([secret, Buffer.of(1)]))).toBe('authenticator');
    }),
  );
});

test('an answer is accepted only for the request that it answers', () => {
  const own = Buffer.alloc(16, 1);
  const secret = Buffer.from('testing123');
  const answer = sealResponse({ code: 41, identifier: 7, attributes: [] }, own, secret);
  expect(responseFault(answer, own, secret)).toBeUndefined();
  expect(responseFault(answer, Buffer.alloc(16, 2), secret)).toBe('authenticator');
});

test.each(['10.0.0.1', '255.255.255.255', '2001:db8::1', '::1', 'fe80::1:2', '::'])(
  'the address %s is the same after decoding',
  (ip) => {
    const attributes = [addressAttribute({ ipv4: 4, ipv6: 95 }, ip)];
    expect(addressOf({ attributes }, ip.includes(':') ? 95 : 4)).toBe(ip);
  },
);

test('values of the wrong form are undefined', () => {
  expect(addressAttribute({ ipv4: 4, ipv6: 95 }, '::ffff:10.0.0.1')).toEqual({
    type: 4,
    value: Buffer.from([10, 0, 0, 1]),
  });
  expect(() => addressAttribute({ ipv4: 4, ipv6: 95 }, 'nas.example')).toThrow(RangeError);
  const attributes = [
    { type: 1, value: Buffer.from([0xff]) },
    { type: 4, value: Buffer.alloc(5) },
    { type: 101, value: Buffer.alloc(3) },
    integerAttribute(55, 2 ** 32 - 1),
  ];
  expect(textOf({ attributes }, 1)).toBeUndefined();
  expect(addressOf({ attributes }, 4)).toBeUndefined();
  expect(integerOf({ attributes }, 101)).toBeUndefined();
  expect(integerOf({ attributes }, 55)).toBe(2 ** 32 - 1);
});
