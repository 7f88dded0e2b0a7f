// The cookies of a session: which cookies of a system are sent back, by name, within limits.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCookieJar } from '../../src/upstream/cookie-jar.ts';
import { anyText } from '../support/any-text.ts';

const now = Date.parse('2022-06-21T12:00:00Z');

function headerAfter(...setCookie: readonly string[]): string | undefined {
  const cookies = createCookieJar(() => now);
  cookies.store(setCookie);
  return cookies.header();
}

describe('sent back', () => {
  test.each([
    ['nothing', [], undefined],
    [
      'what the user management API sets',
      ['SWOB=j%3A%7B%22a%22%3A1%7D; Max-Age=7200; Path=/; HttpOnly'],
      'SWOB=j%3A%7B%22a%22%3A1%7D',
    ],
    [
      'what the developer API sets',
      ['SWOBDev=eyJ9==; Secure; HttpOnly; Max-Age=7200; Path=/; SameSite=Lax'],
      'SWOBDev=eyJ9==',
    ],
    ['quotes and commas as they came', ['a="{\\"x\\"\\054 1}"; Path=/'], 'a="{\\"x\\"\\054 1}"'],
    ['several, in their order', ['b=2', 'a=1'], 'b=2; a=1'],
    ['the last one of a name, whatever its path', ['a=1; Path=/x', 'a=2; Path=/y; Domain=z'], 'a=2'],
    ['an empty value', ['a=; Path=/'], 'a='],
    ['what is not over yet', ['a=1; Max-Age=1', 'b=2; Expires=Tue, 21 Jun 2022 12:00:01 GMT'], 'a=1; b=2'],
    ['what a bad lifetime says nothing about', ['a=1; Max-Age=x', 'b=2; Expires=y'], 'a=1; b=2'],
    ['other names of Object', ['__proto__=1', 'a=2'], 'a=2'],
  ])('%s', (_case, setCookie, header) => {
    expect(headerAfter(...setCookie)).toBe(header);
  });

  test.each([
    ['Max-Age=0', 'a=; Max-Age=0'],
    ['a negative Max-Age', 'a=1; Max-Age=-1'],
    ['Expires in the past', 'a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT'],
    ['Max-Age=0, whatever Expires says', 'a=1; Expires=Wed, 21 Oct 2099 07:28:00 GMT; Max-Age=0'],
  ])('no more: what is deleted by %s', (_case, deletion) => {
    expect(headerAfter('a=1', 'b=2', deletion)).toBe('b=2');
  });

  test('cookies that Max-Age keeps, whatever Expires says', () => {
    expect(headerAfter('a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60')).toBe('a=1');
  });

  test.each([
    ['no name', '=1'],
    ['a name with a blank', 'a b=1'],
    ['a name with a comma', 'a,b=1'],
    ['a line end', 'a=1\r\nX-Admin: 1'],
    ['a control character', 'a=1\u0001'],
    ['a character that no header can hold', 'a=\u2028'],
  ])('not: a cookie with %s', (_case, setCookie) => {
    expect(headerAfter(setCookie)).toBeUndefined();
  });
});

describe('limits', () => {
  test('32 cookies, whose values can still change', () => {
    const cookies = createCookieJar(() => now);
    cookies.store(Array.from({ length: 40 }, (_, index) => `c${index}=old`));
    cookies.store(['c0=new', 'c39=new']);
    const sent = cookies.header()?.split('; ') ?? [];
    expect([sent.length, sent[0], sent.at(-1)]).toEqual([32, 'c0=new', 'c31=old']);
  });

  test('8 KiB in all; a value that is too long is dropped, and the previous one stays', () => {
    const cookies = createCookieJar(() => now);
    cookies.store(['a=1', `b=${'x'.repeat(8_000)}`, `c=${'y'.repeat(200)}`, `a=${'z'.repeat(200)}`]);
    expect(cookies.header()).toBe(`a=1; b=${'x'.repeat(8_000)}`);
  });

  test('whatever a system sets, the header is valid for Node and contains no other cookie', () => {
    fc.assert(
      fc.property(fc.array(anyText({ maxLength: 60 }), { maxLength: 60 }), (setCookie) => {
        const header = headerAfter(...setCookie);
        if (header === undefined) return;
        expect(header).toMatch(/^[\x20-\x7e\x80-\xff]{0,8192}$/);
        const names = header.split('; ').map((pair) => pair.split('=')[0]);
        expect(new Set(names).size).toBe(names.length);
        expect(names.length).toBeLessThanOrEqual(32);
      }),
    );
  });
});
