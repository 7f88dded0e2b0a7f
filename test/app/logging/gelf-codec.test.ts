// GELF against an independent decoder: every line arrives complete and within the bounds of the format.

import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { datagramsOf, encodeGelf, maxDatagram, maxMessage } from '../../../src/app/logging/gelf-codec.ts';
import type { LogRecord } from '../../../src/app/logging/record.ts';
import { anyText, longText } from '../../support/any-text.ts';
import { createGelfReader } from '../../support/gelf.ts';

const id = () => randomBytes(8);
const record = (fields: object = {}): LogRecord => ({
  level: 40,
  time: '2026-08-02T14:03:22.123+07:00',
  msg: 'not logged out',
  service: 'disconnect',
  ...fields,
});
const encoded = (fields?: object): Record<string, unknown> =>
  JSON.parse(encodeGelf(record(fields), 'gw1').toString());

test('a line is encoded as GELF 1.1', () => {
  expect(
    encoded({ requestId: 'r1', attempts: 3, ok: false, parts: ['a'], id: 'x', 'bad key': 1, none: null }),
  ).toEqual({
    version: '1.1',
    host: 'gw1',
    short_message: 'not logged out',
    timestamp: 1_785_654_202.123,
    level: 4,
    _service: 'disconnect',
    _requestId: 'r1',
    _attempts: 3,
    _ok: 'false',
    _parts: '["a"]',
    _item_id: 'x',
    _bad_key: 1,
  });
});

test.each([
  [20, 7],
  [30, 6],
  [40, 4],
  [50, 3],
  [60, 3],
  [10, 7],
])('level %i of pino is %i of syslog', (level, syslog) => expect(encoded({ level }).level).toBe(syslog));

test('a line without a message gets a placeholder, because GELF requires one', () => {
  expect(encoded({ msg: '' }).short_message).toBe('-');
});

test('a message is restored from its datagrams in any order', () => {
  const messages = fc.array(fc.record({ msg: anyText({ maxLength: 8_000 }), n: fc.nat() }), {
    minLength: 1,
    maxLength: 5,
  });
  fc.assert(
    fc.property(messages, fc.infiniteStream(fc.nat()), (lines, dice) => {
      const sent = lines.map((fields) => encodeGelf(record(fields), 'gw1'));
      const datagrams = sent.flatMap((message) => datagramsOf(message, id));
      for (const datagram of datagrams) expect(datagram.length).toBeLessThanOrEqual(maxDatagram);
      const shuffled = datagrams
        .map((datagram) => ({ datagram, at: dice.next().value ?? 0 }))
        .sort((a, b) => a.at - b.at);
      const reader = createGelfReader();
      const read = shuffled.flatMap(({ datagram }) => reader.take(datagram) ?? []);
      expect(reader.unfinished()).toBe(0);
      const inOrder = (values: unknown[]) => values.map((value) => JSON.stringify(value)).sort();
      expect(inOrder(read)).toEqual(inOrder(sent.map((message) => JSON.parse(String(message)))));
    }),
  );
});

test('one datagram holds 1,420 bytes, and 128 chunks hold the largest message', () => {
  expect(datagramsOf(Buffer.alloc(1_420), id)).toHaveLength(1);
  expect(datagramsOf(Buffer.alloc(1_421), id).map(({ length }) => length)).toEqual([1_420, 25]);
  const most = datagramsOf(Buffer.alloc(maxMessage), id);
  expect([most.length, Math.max(...most.map(({ length }) => length))]).toEqual([128, 1_420]);
});

test('an oversized message is truncated, marked, and never dropped', () => {
  const long = longText({ min: 170_000, max: 400_000 });
  fc.assert(
    fc.property(long, fc.constantFrom('msg', 'service', 'requestId', 'reason'), (text, field) => {
      const message = encodeGelf(record({ requestId: 'r1', [field]: text }), 'gw1');
      expect(datagramsOf(message, id).length).toBeLessThanOrEqual(128);
      const reader = createGelfReader();
      const read = datagramsOf(message, id).map(reader.take).at(-1);
      expect(read).toMatchObject({
        version: '1.1',
        level: 4,
        short_message: expect.stringMatching(/… \[cut\]$/),
      });
      expect(read?._cut_from).toBeGreaterThan(maxMessage);
      if (field === 'reason') expect(read).toMatchObject({ _requestId: 'r1', _service: 'disconnect' });
    }),
    { numRuns: 20 },
  );
});
