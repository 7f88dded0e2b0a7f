// SMS that were in transit when their user paired again: by then, the key that encrypted them is a former one.

import { expect, test } from 'vitest';
import { msisdn, startMessaging } from '../support/messaging.ts';
import { createPhone, handshakeUrlOf, openSession, pair } from '../support/phone.ts';
import { encryptAsApp } from '../support/sms.ts';

test('an SMS that was accepted while the back end was down is published, though its user has paired again', async () => {
  const services = await startMessaging({ set: ['backend_publisher.cache_ttl=0s'] });
  const { gateway, developer, publisher, sharedKey } = services;
  developer.setMode('refuse');
  expect((await services.send('g:by the first key')).status).toBe(202);
  const pairAgain = async () =>
    pair(handshakeUrlOf(gateway, await openSession(gateway, 'alice')), createPhone(), 'correct horse');
  const second = await pairAgain();
  expect(second).not.toBe(sharedKey);
  const text = encryptAsApp(second, 'g:by the second key');
  expect((await services.post({ text, MSISDN: msisdn })).status).toBe(202);
  await pairAgain();
  developer.setMode('normal');
  const messages = () => publisher.messages().map(({ message }) => message);
  await expect
    .poll(() => {
      services.clock.advance(500);
      return messages().toSorted();
    })
    .toEqual(['g:by the first key', 'g:by the second key']);
});
