import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { closeError, parseFrame } from '../../../src/cli/client/sync-events.ts';
import { anyText } from '../../support/any-text.ts';

const qrUrl = 'http://127.0.0.1:6969/v2/sync/users/u/sessions/s/handshake';

describe('frames', () => {
  test.each([
    ['201- pause', { kind: 'paused' }],
    ['201- paused', { kind: 'paused' }],
    ['200- ack', { kind: 'paired' }],
    ['200- acked', { kind: 'paired' }],
    [JSON.stringify({ qr_url: qrUrl, mobile_url: 'app://x' }), { kind: 'url', qrUrl, mobileUrl: 'app://x' }],
    [JSON.stringify({ qr_url: qrUrl }), { kind: 'url', qrUrl, mobileUrl: qrUrl }],
    [qrUrl, { kind: 'url', qrUrl, mobileUrl: qrUrl }],
  ])('%s', (text, event) => expect(parseFrame(text)).toEqual(event));

  test.each([
    ['{}'],
    ['null'],
    ['hello'],
    ['{"qr_url":1}'],
    ['{"qr_url":"javascript:alert(1)"}'],
    ['http://x/\u001b[2J'],
    [`http://${'x'.repeat(3_000)}`],
  ])('%j is not an event', (text) => expect(parseFrame(text)).toBeUndefined());

  test('of any kind never throw', () => {
    fc.assert(fc.property(fc.oneof(anyText(), fc.json()), (text) => void parseFrame(text)));
  });
});

test.each([
  [1000, 1],
  [1001, 75],
  [1006, 69],
  [1011, 69],
  [4404, 1],
  [4408, 1],
  [4409, 1],
])('close code %i before the ack makes a command exit with %i', (code, exit) => {
  expect(closeError(code, 'why')).toMatchObject({
    exitCode: exit,
    message: expect.stringContaining('(why)'),
  });
});
