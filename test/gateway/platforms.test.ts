// The names under which gateway clients submit SMS.

import { expect, test } from 'vitest';
import { msisdn, startMessaging } from '../support/messaging.ts';
import { post } from '../support/phone.ts';
import { encryptAsApp } from '../support/sms.ts';

test('every well-formed name but twilio is a gateway client; the same SMS under two names is one message', async () => {
  const { gateway, sharedKey, publisher } = await startMessaging();
  const names = ['gateway-client', 'gateway-server', 'deku', 'constructor', '0', '-', 'a'.repeat(32)];
  for (const [index, name] of names.entries()) {
    const body = { text: encryptAsApp(sharedKey, `g:message ${index}`), MSISDN: msisdn };
    const response = await post(`${gateway}/sms/platform/${name}`, body);
    expect([name, response.status, response.text]).toEqual([name, 200, 'message published successfully']);
    expect(await post(`${gateway}/sms/platform/other-name`, body)).toMatchObject({ status: 200 });
  }
  expect(publisher.messages().map(({ message }) => message)).toEqual(
    names.map((_, index) => `g:message ${index}`),
  );
  for (const name of ['Deku', 'a_b', 'a.b', 'a'.repeat(33), '%20', 'd%C3%A9ku']) {
    const response = await post(`${gateway}/sms/platform/${name}`, {});
    expect([name, response.status, response.text]).toEqual([name, 404, 'unknown platform']);
  }
  expect((await post(`${gateway}/sms/platform/twilio`, {})).status).toBe(403);
});
