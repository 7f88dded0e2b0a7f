// docs/protocol.md, L5: JSON nested 250,000 deep, on every route that reads JSON, and from the systems behind.

import { expect, test } from 'vitest';
import { startDisconnect } from '../support/disconnect.ts';
import { post } from '../support/phone.ts';
import { expectService, startAttackedServices } from './attacked-services.ts';

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const shapes = (depth: number) => [
  nested(depth),
  `[{"number":"+237650393369","more":${nested(depth)}}]`,
  `{"auth_id":"a","auth_key":"b","data":[{"number":"1","text":"t","more":${nested(depth)}}]}`,
  `{"IMSI":"624013000000000","MSISDN":"+237671234567","seed_type":"seed","more":${nested(depth)}}`,
];

test('L5 deeply nested JSON gets 400, or 413 above the body limit; never 500', async () => {
  const services = await startAttackedServices();
  const disconnect = await startDisconnect();
  const wide = [`${services.gateway}/v1/sms`, `${services.gateway}/v1/sms/operators`];
  const others = [
    `${services.gateway}/v1/subscribe`,
    `${services.gateway}/seeds/ping`,
    `${services.gateway}/seeds`,
    `${services.gateway}/sms/platform/gateway-client`,
    `${services.gateway}/v2/sync/users/alice/sessions/0123`,
    `${services.gateway}/v2/sync/users/alice/sessions/0123/handshake`,
    `${disconnect.url}/disconnect`,
  ];
  for (const url of wide) {
    for (const body of shapes(250_000)) expect([url, (await post(url, body)).status]).toEqual([url, 400]);
  }
  for (const url of [...wide, ...others]) {
    for (const body of shapes(5_000)) expect([url, (await post(url, body)).status]).toEqual([url, 400]);
  }
  for (const url of others) {
    expect([400, 413]).toContain((await post(url, nested(250_000))).status);
  }
  await expectService(services);
});
