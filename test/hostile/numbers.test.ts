// docs/protocol.md, "Phone numbers", R8: a spelling of a number is normalised or refused with its reason on every route, and
// never makes a second identity for the number.

import { expect, test } from 'vitest';
import { msisdn, startMessaging } from '../support/messaging.ts';
import { get, post } from '../support/phone.ts';
import { encryptAsApp } from '../support/sms.ts';
import { expectService, message, notPublished, statusAndText } from './sms-fixture.ts';

const spellings = [
  '650393369',
  '0650393369',
  '237650393369',
  '00237650393369',
  '+237(0)650393369',
  '+237 650 393 369',
  '+237\u00a0650\u00a0393\u00a0369',
  '+237-650.393 369',
  '+237650393369\r\n',
  '\u202a+237650393369\u202c',
  '\u2068\u200e+237\u200b650\u2060393369\u2069',
  '＋２３７６５０３９３３６９',
  '٠٦٥٠٣٩٣٣٦٩',
  '+۲۳۷۶۵۰۳۹۳۳۶۹',
  '+𝟐𝟑𝟕𝟞𝟝𝟘𝟥𝟫𝟥𝟯𝟲𝟿',
];
const refused: readonly (readonly [text: string, reason: RegExp])[] = [
  ['MTN', /it contains letters/],
  ['8787', /it is a short code/],
  ['+२३७६५०३९३३६९', /characters that no phone number has/],
  ['+2376503\u202e93', /no such number/],
  ['+237\n650393369', /characters that no phone number has/],
  ['77123456', /numbering plan that has been replaced/],
];

test('R8: every spelling of a number is one sender, one seed and one recipient; what is not a number is refused with its reason', async () => {
  const services = await startMessaging({ set: ['api.state=production', 'numbers.default_region=CM'] });
  const text = encryptAsApp(services.sharedKey, message);
  const ids = new Set<string | null>();
  for (const MSISDN of spellings) {
    const response = await services.post({ text, MSISDN });
    expect([MSISDN, ...statusAndText(response)]).toEqual([MSISDN, 200, 'message published successfully']);
    ids.add(response.headers.get('x-message-id'));
    for (const route of ['/v3/publish', '/v1/publications']) {
      const phone = await post(`${services.gateway}${route}`, { text, address: MSISDN });
      expect([route, MSISDN, phone.status]).toEqual([route, MSISDN, 200]);
      ids.add(phone.headers.get('x-message-id'));
    }

    const ping = { IMSI: '624010123456789', MSISDN, seed_type: 'seed' };
    expect([MSISDN, (await post(`${services.gateway}/seeds/ping`, ping)).status]).toEqual([MSISDN, 200]);
    expect((await get(`${services.gateway}/seeds/${ping.IMSI}`)).text).toBe(msisdn);

    const lookUp = await post(`${services.gateway}/v1/sms/operators`, [{ number: MSISDN }]);
    expect(JSON.parse(lookUp.text)).toEqual([{ number: MSISDN, operator_name: 'MTN Cameroon' }]);
  }
  expect(ids.size).toBe(1);
  expect(services.publisher.messages()).toMatchObject([{ MSISDN: msisdn, message }]);
  expect(services.developer.requests().filter(({ path }) => path.includes('users'))).toHaveLength(1);

  for (const [MSISDN, reason] of refused) {
    expect([MSISDN, ...statusAndText(await services.post({ text, MSISDN }))]).toEqual([
      MSISDN,
      ...notPublished,
    ]);
    const ping = await post(`${services.gateway}/seeds/ping`, {
      IMSI: '624010000000001',
      MSISDN,
      seed_type: 'seed',
    });
    expect([MSISDN, ping.status, ping.text]).toEqual([MSISDN, 400, expect.stringMatching(reason)]);
    const lookUp = await post(`${services.gateway}/v1/sms/operators`, [{ number: MSISDN }]);
    expect(JSON.parse(lookUp.text)).toEqual([{ number: MSISDN, operator_name: '' }]);
  }
  expect(JSON.parse((await get(`${services.gateway}/seeds`)).text)).toMatchObject([{ MSISDN: msisdn }]);
  await expectService(services, 1);
});
