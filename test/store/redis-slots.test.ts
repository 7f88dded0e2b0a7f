// The hash slots of a Redis Cluster: as the server counts them, and as it tells who has them.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readAddress, readSlots, slotOf } from '../../src/store/redis/connection/slots.ts';
import { clusterForFile } from '../support/redis-cluster.ts';

const cluster = clusterForFile();
const asked = { host: 'asked', port: 1 };

test.each([
  ['123456789', 0x31c3],
  ['foo', 12_182],
  ['', 0],
  ['{user1000}.following', slotOf('user1000')],
  ['foo{{bar}}zap', slotOf('{bar')],
  ['foo{bar}{zap}', slotOf('bar')],
])('%j has slot %i', (key, slot) => {
  expect(slotOf(key)).toBe(slot);
});

test.each(['foo{}{bar}', '}{', '{', '{}', 'ü{ö}ä'])('%j has the slot that the server says', async (key) => {
  expect(String(slotOf(key))).toBe(await cluster().servers[0]?.cli('cluster', 'keyslot', key));
});

test('what stands between the first braces alone decides', () => {
  const tag = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !/[{}]/.test(text));
  const before = fc.string().filter((text) => !text.includes('{'));
  fc.assert(
    fc.property(before, tag, fc.string(), (head, inner, tail) => {
      expect(slotOf(`${head}{${inner}}${tail}`)).toBe(slotOf(inner));
    }),
  );
});

test('the answer to CLUSTER SLOTS is read, and nonsense is none', () => {
  const id = 'f'.repeat(40);
  expect(
    readSlots(
      [
        [0, 5, ['10.0.0.1', 7000, id], ['10.0.0.2', 7001, id]],
        [6, 6, ['', 7002, id]],
        [7, 8, [null, 7003, id]],
        [9, 'x', ['a', 1]],
        'nonsense',
      ],
      asked,
    ),
  ).toEqual([
    { from: 0, to: 5, master: { host: '10.0.0.1', port: 7000 } },
    { from: 6, to: 6, master: { host: 'asked', port: 7002 } },
    { from: 7, to: 8, master: { host: 'asked', port: 7003 } },
  ]);
  expect(readSlots(null, asked)).toEqual([]);
});

test.each([
  ['10.0.0.1:7000', '10.0.0.1', 7000],
  ['::1:7000', '::1', 7000],
  ['[::1]:7000', '::1', 7000],
  [':7000', 'asked', 7000],
])('%s is where to go', (text, host, port) => {
  expect(readAddress(text, asked)).toEqual({ host, port });
});
