// Parts of long SMS are put together to the payload that they were, in whatever order they arrive.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describePayload } from '../../../src/crypto/payload-form.ts';
import { findWholes, partLength, partRole } from '../../../src/domain/inbound/part-assembly.ts';
import { anyText } from '../../support/any-text.ts';
import { ordinarySms } from '../../support/ordinary-sms.ts';
import {
  bridgePayload,
  imageSegments,
  payloadV0,
  splitSms,
  versionedPayload,
  wrapped,
} from '../../support/relay-payloads.ts';
import { encryptAsApp } from '../../support/sms.ts';

const key = '0123456789abcdef0123456789abcdef';

/** The wholes, without the steps between them. */
const wholesOf = (...args: Parameters<typeof findWholes>) =>
  [...findWholes(...args)].filter((whole) => whole !== undefined);

/** The wholes that the arrival of each text completes. */
function arrive(texts: readonly string[]): string[][] {
  return texts.map((_, newest) =>
    wholesOf(texts.slice(0, newest + 1), newest).map((whole) => whole.map((index) => texts[index]).join('')),
  );
}

const role = (text: string) => partRole(text, describePayload(text));

describe('parts are put together', () => {
  const encrypted = anyText({ minLength: 80, maxLength: 500 }).map((message) => encryptAsApp(key, message));
  const ciphertext = fc
    .oneof(fc.integer({ min: 110, max: 900 }), fc.integer({ min: 411, max: 414 }))
    .chain((length) => {
      return fc.uint8Array({ minLength: length, maxLength: length }).map(Buffer.from);
    });
  const relayed = ciphertext.chain((each) =>
    fc.constantFrom(
      versionedPayload(1, { ciphertext: each }),
      versionedPayload(4, { ciphertext: each, deviceId: Buffer.alloc(0) }),
      bridgePayload({ ciphertext: each }),
      payloadV0({ ciphertext: each }),
    ),
  );
  const payload = fc.oneof(
    encrypted,
    encrypted.map(wrapped),
    relayed.map((bytes) => wrapped(bytes.toString('base64'))),
  );
  const inAnyOrder = payload
    .filter((text) => splitSms(text).length > 1 && /\w/.test(splitSms(text).at(-1) ?? ''))
    .chain((text) =>
      fc.tuple(fc.constant(text), fc.shuffledSubarray(splitSms(text), { minLength: splitSms(text).length })),
    );

  test('in any order of arrival', () => {
    fc.assert(
      fc.property(inAnyOrder, ([text, parts]) => {
        const wholes = arrive(parts);
        // From the sixth part on, an encrypted SMS has several orders of the right form: its key shows which.
        if (parts.length < 6) expect(wholes.at(-1)).toEqual([text]);
        else expect(wholes.at(-1)).toContain(text);
        expect(wholes.slice(0, -1).flat()).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  test('in their order where no line break shows another one', () => {
    fc.assert(
      fc.property(relayed, (bytes) => {
        const text = bytes.toString('base64');
        if (splitSms(text).length > 1) expect(arrive(splitSms(text)).at(-1)?.[0]).toBe(text);
      }),
      { numRuns: 50 },
    );
  });

  test('whose `+` a form decoder has made blanks', () => {
    const texts = relayed
      .map((bytes) => bytes.toString('base64'))
      .filter((text) => text.split('+').length > 3);
    fc.assert(
      fc.property(texts, (text) => {
        const blanked = text.replaceAll('+', ' ');
        if (splitSms(blanked).length > 1) expect(arrive(splitSms(blanked)).at(-1)?.[0]).toBe(blanked);
      }),
      { numRuns: 50 },
    );
  });

  test('among those of other SMS of the same sender', () => {
    const sms = [40, 45, 50].map((length, n) =>
      versionedPayload(2, { ciphertext: Buffer.alloc(100 + length, n) }).toString('base64'),
    );
    const parts = sms.flatMap(splitSms);
    expect(parts).toHaveLength(6);
    for (const order of [
      [0, 2, 4, 1, 3, 5],
      [1, 3, 5, 4, 2, 0],
      [0, 1, 4, 5, 3, 2],
    ]) {
      const wholes = arrive(order.map((index) => parts[index] ?? '')).flat();
      expect(wholes.toSorted()).toEqual(sms.toSorted());
    }
  });
});

test('parts that never fit are tried in bounded time', () => {
  const firsts = Array.from({ length: 31 }, (_, n) =>
    versionedPayload(1, { ciphertext: Buffer.alloc(1_500, n) })
      .toString('base64')
      .slice(0, partLength),
  );
  const before = process.cpuUsage();
  expect(arrive([...firsts, 'abc1']).flat()).toEqual([]);
  const { user, system } = process.cpuUsage(before);
  // Microseconds: all orders of the parts would take years.
  expect(user + system).toBeLessThan(20_000_000);
});

describe('parts that begin as an encrypted SMS, and may go on as one', () => {
  const encoded = (content: string) => wrapped(Buffer.from(content).toString('base64')).slice(0, partLength);
  /** 114 bytes, which a line break makes 153 characters. */
  const part = (content: string) => encoded(content.padEnd(114, ' \t\r\n'));
  const first = part('0123456789abcdef');

  test('are tried in time that grows with their length', () => {
    const blank = Array.from({ length: 15 }, (_, n) => part(' '.repeat(n)));
    const broken = Array.from({ length: 16 }, (_, n) => encoded(`${' '.repeat(n).padEnd(113, '\t\n')}\0`));
    const texts = [first, ...blank, ...broken];
    expect(new Set(texts.map((text) => text.length))).toEqual(new Set([partLength]));
    const before = process.cpuUsage();
    for (let n = 0; n < 10; n++) expect(wholesOf(texts, texts.length - 1)).toEqual([]);
    const { user, system } = process.cpuUsage(before);
    // Microseconds; it takes three times as long when white space is tried in every way.
    expect(user + system).toBeLessThan(8_000_000);
  });

  test('are read a bounded number of times, however many ends fit', () => {
    const content = (length: number, n: number) =>
      (String.fromCharCode(65 + n) + 'Qk0z'.repeat(40)).slice(0, length);
    const parts = Array.from({ length: 15 }, (_, n) => encoded(content(114, n)));
    // With 13 parts after the first, the ciphertext has 98 + 13 * 114 + 84 characters, which are whole blocks.
    const tails = Array.from({ length: 16 }, (_, n) => Buffer.from(content(84, n)).toString('base64'));
    const texts = [...tails, ...parts, encoded('0123456789abcdef'.padEnd(114, 'Ab01'))];
    const wholes = wholesOf(texts, texts.length - 1);
    expect(wholes.length).toBeGreaterThan(0);
    expect(wholes.length).toBeLessThan(2_000);
  });
});

test('only texts that may be of a longer SMS have a role', () => {
  const text = versionedPayload(1).toString('base64');
  const [first = '', tail = ''] = splitSms(text);
  expect(role(first)).toEqual({ kind: 'part', isOnlyPart: true });
  expect(role(tail)).toMatchObject({ kind: 'tail' });
  expect(role('WxaGk=')).toEqual({ kind: 'tail', isOnlyPart: true });
  expect(role('Merci')).toEqual({ kind: 'tail', isOnlyPart: false });
  expect(role('8787')).toEqual({ kind: 'tail', isOnlyPart: false });
  expect(role('=\n')).toBeUndefined();
  for (const segment of imageSegments('Ab12'.repeat(200), 42, 149)) {
    if (segment.length <= partLength) expect(role(segment)).toMatchObject({ isOnlyPart: false });
  }
  for (const whole of [text, encryptAsApp(key, 'g:hello'), 'see you at 8', 'é1']) {
    expect([whole, role(whole)]).toEqual([whole, undefined]);
  }
  expect(role('one two three '.repeat(20).slice(0, partLength))).toBeUndefined();
  const likely = ordinarySms().filter((each) => role(each)?.isOnlyPart);
  expect(likely).toEqual([]);
});
