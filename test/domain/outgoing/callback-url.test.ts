import fc from 'fast-check';
import { expect, test } from 'vitest';
import { callbackUrlFault } from '../../../src/domain/outgoing/callback-url.ts';
import { anyText } from '../../support/any-text.ts';

test.each([
  'http://hooks.example.org',
  'https://hooks.example.org:8443/a/b?c=d#e',
  'HTTPS://HOOKS.EXAMPLE.ORG/',
  'http://[2001:db8::1]:9/',
  'https://пример.example/привет',
  // Whether its address may be called depends on the configuration, and is checked by the callback sender.
  'http://127.0.0.1/',
  `https://a.example/${'x'.repeat(2_048 - 18)}`,
])('%s may be given', (url) => {
  expect(callbackUrlFault(url)).toBeUndefined();
});

test.each([
  ['', 'is not a URL'],
  ['hooks.example.org/a', 'is not a URL'],
  ['//hooks.example.org/a', 'is not a URL'],
  ['http://', 'is not a URL'],
  ['http://a b/', 'holds white space or control characters'],
  [' http://a.example/', 'holds white space or control characters'],
  ['http://a.example/\r\nX: y', 'holds white space or control characters'],
  ['ht\ttp://a.example/', 'holds white space or control characters'],
  ['http://a.example/\u202e', 'holds white space or control characters'],
  ['http://a.example/\ud800', 'holds white space or control characters'],
  ['http://a.example:99999/', 'is not a URL'],
  ['http://1.2.3.4.5/', 'is not a URL'],
  ['http://[::1/', 'is not a URL'],
  ['ftp://a.example/', 'is neither http nor https'],
  ['file:///etc/passwd', 'is neither http nor https'],
  ['javascript:alert(1)', 'is neither http nor https'],
  ['data:text/plain,x', 'is neither http nor https'],
  ['https:hunter2@a.example/', 'holds a user name or password'],
  ['http://user@a.example/', 'holds a user name or password'],
  ['http://:hunter2@a.example/', 'holds a user name or password'],
  ['http://127.0.0.1@a.example/', 'holds a user name or password'],
  [`https://a.example/${'x'.repeat(2_048)}`, 'has over 2048 characters'],
])('%j may not: it %s', (url, fault) => {
  expect(callbackUrlFault(url)).toBe(fault);
});

test('no text makes it throw, and every accepted text is a URL', () => {
  const text = fc.oneof(
    anyText(),
    fc.webUrl(),
    fc.string().map((rest) => `http://${rest}`),
  );
  fc.assert(fc.property(text, (url) => callbackUrlFault(url) !== undefined || URL.canParse(url)));
});
