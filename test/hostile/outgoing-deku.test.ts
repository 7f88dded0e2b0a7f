// docs/protocol.md, "Seeds and outgoing SMS", R9, and SMS to phones with DekuSMS, with a running gateway and a real RabbitMQ.

import { expect, test, vi } from 'vitest';
import { connectClient, openChannel } from '../support/amqp-client.ts';
import { bindDekuPhone, takeAll } from '../support/deku-phone.ts';
import { get, post } from '../support/phone.ts';
import { rabbitForFile } from '../support/rabbitmq.ts';
import { alice, bob, declaring, own } from '../upstream/tenant-attempts.ts';
import { errorsOf, number, outgoingFixture, setup, sms } from './outgoing-fixture.ts';

const rabbit = rabbitForFile();
const { startWorld: startOutgoing, bindPhone, expectService } = outgoingFixture(rabbit);

const phoneOf = async (authId: string, authKey: string) =>
  openChannel(await connectClient(rabbit().url.replace('guest:guest', `${authId}:${authKey}`)));

test("R9: a phone cannot declare, bind or publish in another developer's exchange or the gateway's", async () => {
  const services = await startOutgoing();
  const { v1 } = services;
  await bindPhone(services);
  for (const auth_id of [alice, bob]) {
    expect((await v1('subscribe', { auth_id, auth_key: 's3cret', ...setup })).status).toBe(200);
  }
  const others = await bindDekuPhone(
    await phoneOf(bob, 's3cret'),
    `${bob}_OUTGOING_SMS`,
    `${bob}_OUTGOING_SMS.237.62401`,
  );
  await (await phoneOf(alice, 's3cret')).assertQueue(own, { durable: true });
  for (const [what, attempt] of declaring) {
    const refused = await attempt(await phoneOf(alice, 's3cret')).then(
      () => 'done',
      (error: { readonly code?: unknown }) => error.code,
    );
    expect([what, refused]).toEqual([what, 403]);
  }
  // The other developer's phone gets its SMS and nothing else, and the attacker nothing.
  const sent = await v1('sms', { auth_id: bob, auth_key: 's3cret', data: [sms('for bob')] });
  expect(errorsOf(sent)).toEqual([]);
  const bobs = await takeAll(await phoneOf(bob, 's3cret'), others);
  expect(bobs.map((body) => JSON.parse(String(body)).text)).toEqual(['for bob']);
  expect(await takeAll(await phoneOf(alice, 's3cret'), own)).toEqual([]);
  await expectService(services);
});

test('a phone with DekuSMS gets exactly the body that it decodes, and a wrong sid is an error of its recipient', async () => {
  const services = await startOutgoing(['outgoing.sim=3']);
  await bindPhone(services);
  const { auth_id, auth_key } = services.auth;
  const exchange = `${auth_id}_OUTGOING_SMS`;
  const phone = await phoneOf(auth_id, auth_key);
  const queue = await bindDekuPhone(phone, exchange, `${exchange}.237.62401`);
  expect(queue).toBe(`${exchange}_237_62401`);

  const wrong = [1, '', null, '-1', '+1', '01', '1.0', '1e3', ' 1', '2147483648', '١', {}, ['1'], true, 'x'];
  const bad = wrong.filter((sid) => sid !== '' && sid !== null);
  const good = [
    { number, text: 'looked up' },
    { ...sms('sim 2'), sid: '2' },
    { ...sms('none'), sid: '' },
    { ...sms('null'), sid: null },
    { ...sms('highest'), sid: '2147483647' },
    { ...sms('by network', '62401') },
  ];
  const response = await services.send([...good, ...bad.map((sid) => ({ ...sms('bad'), sid }))]);
  expect(response.status).toBe(200);
  expect(errorsOf(response).map(({ error_message }) => error_message)).toEqual(
    bad.map(() => 'sid: expected a whole number in text, such as "1"'),
  );
  const bodies = (await takeAll(phone, queue)).map(String);
  const ids = bodies.map((body) => Number(/"id":(-?\d+)\}$/.exec(body)?.[1]));
  const sids = ['3', '2', '3', '3', '2147483647', '3'];
  expect(bodies).toEqual(
    good.map(({ text }, n) => `{"text":"${text}","to":"${number}","sid":"${sids[n]}","id":${ids[n]}}`),
  );
  expect(new Set(ids).size).toBe(good.length);

  // An operator without a network there: only phones that are bound to every network, or by its name, get it.
  expect(errorsOf(await services.send([sms('x', 'Nobody')]))).toMatchObject([
    { error_message: 'no gateway client for operator Nobody' },
  ]);
  const every = await bindDekuPhone(phone, exchange, `${exchange}.#`);
  expect(errorsOf(await services.send([sms('y', 'Nobody')]))).toEqual([]);
  expect((await takeAll(phone, every)).map((body) => JSON.parse(String(body)).text)).toEqual(['y']);

  // Without the phone, the other one gets the SMS in its own form.
  for (const name of [queue, every]) await phone.deleteQueue(name);
  await expectService(services);
});

test('R6: swob tests its gateway clients on schedule, by SMS of a developer, and a client without a phone is not blamed', async () => {
  const auth_id = `tests${process.pid}`;
  const services = await startOutgoing([
    'reliability.every=6h',
    `reliability.auth_id=${auth_id}`,
    'seeds.expiry=1d',
  ]);
  const { gateway, clock, v1 } = services;
  expect((await v1('subscribe', { auth_id, auth_key: 's3cret', ...setup })).status).toBe(200);
  const exchange = `${auth_id}_OUTGOING_SMS`;
  const phone = await phoneOf(auth_id, 's3cret');
  const queue = await bindDekuPhone(phone, exchange, `${exchange}.237.62401`);
  const orange = '+237690826242';
  for (const [IMSI, MSISDN] of [
    ['624010000000001', number],
    ['624020000000002', orange],
  ])
    await post(`${gateway}/seeds/ping`, { IMSI, MSISDN, seed_type: 'seed' });
  clock.leap(6 * 3_600_000);
  const bodies = await vi.waitFor(async () => {
    const taken = await takeAll(phone, queue);
    expect(taken).toHaveLength(1);
    return taken;
  });
  const { to, text } = JSON.parse(String(bodies[0]));
  expect(to).toBe(number);
  await post(`${gateway}/v3/publish`, { text, address: orange, tag: number });
  const tests = async (of: string) => JSON.parse((await get(`${gateway}/v3/clients/${of}/tests`)).text);
  expect(await tests(number)).toMatchObject({ data: [{ id: Number(text), status: 'success' }] });
  await vi.waitFor(async () => expect(await tests(orange)).toMatchObject({ total_records: 0 }));
});
