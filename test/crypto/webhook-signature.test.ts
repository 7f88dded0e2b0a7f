// The Standard Webhooks signature, compared with openssl.

import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { signWebhook } from '../../src/crypto/webhook-signature.ts';
import { needs } from '../support/needs.ts';

const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const body = '{"uuid":"1","errors":[],"text":"很好 👍"}';

test.for([
  ['hunter2', Buffer.from('hunter2')],
  ['clé secrète', Buffer.from('clé secrète')],
  ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64')],
] as const)('openssl makes the same with the secret %s', ([secret, key], context) => {
  needs(context, { command: 'openssl' });
  const args = ['dgst', '-sha256', '-mac', 'HMAC', '-macopt', `hexkey:${key.toString('hex')}`, '-binary'];
  const mac = execFileSync('openssl', args, { input: `${id}.1614265330.${body}` });
  expect(signWebhook(secret, id, 1_614_265_330, body)).toBe(`v1,${mac.toString('base64')}`);
});

test("the convention's own example", () => {
  // https://github.com/standard-webhooks/standard-webhooks, libraries/javascript
  expect(
    signWebhook('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', id, 1_614_265_330, '{"test": 2432232314}'),
  ).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

test('another secret, id, time or body gives another signature', () => {
  const text = fc.string({ minLength: 1 });
  const part = fc.tuple(text, fc.stringMatching(/^[\w-]{1,40}$/), fc.nat(), text);
  fc.assert(
    fc.property(part, part, (mine, other) => {
      fc.pre(mine.some((each, index) => each !== other[index]));
      return signWebhook(...mine) !== signWebhook(...other);
    }),
  );
});

test.each(['', 'whsec_', 'whsec_!!!!', 'whsec_abc', 'whsec_aGk=='])('%j is not a secret', (secret) => {
  expect(() => signWebhook(secret, id, 1, body)).toThrow(
    expect.objectContaining({ code: 'CONFIG', message: expect.stringContaining('callback_secret') }),
  );
});
