// What a developer may do on a real RabbitMQ with the permissions of a subscription, and what it is refused.

import { describe, expect, onTestFinished, test } from 'vitest';
import {
  developerExchangeName,
  everyNetworkBinding,
  exchangeName,
  networkRoutingKey,
  queueName,
  routingKey,
} from '../../src/domain/outgoing/broker-names.ts';
import { connectClient, consumeQueue, openChannel } from '../support/amqp-client.ts';
import { bindDekuPhone } from '../support/deku-phone.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';
import { createTestClient } from './rabbitmq-fixture.ts';
import {
  alice,
  bob,
  declaring,
  operator,
  others,
  othersKey,
  own,
  reading,
  writing,
} from './tenant-attempts.ts';
import { key, tenantsForFile } from './tenants-fixture.ts';

const { rabbit, tenantsAt, urlOf, phoneOf } = tenantsForFile();

describe('a subscribed developer', () => {
  test('receives SMS with the permissions of a gateway phone, even before the first SMS', async () => {
    await tenantsAt().subscribe(alice, key);
    const queue = await consumeQueue(
      await phoneOf(alice),
      queueName(alice, operator),
      routingKey(alice, operator),
    );
    const clock = createFakeClock();
    const broker = createTestClient({ url: rabbit().url, timeoutMs: 10_000, clock, log: createMemoryLog() });
    onTestFinished(async () => void (await broker.close()));
    const network = { callingCode: '237', networkCodes: ['62401'], sid: '1' };
    const sms = { authId: alice, operatorName: operator, number: '+237650000001', text: 'hi', ...network };
    expect(await broker.send(sms)).toMatchObject({ kind: 'sent' });
    expect(String((await queue.next()).content)).toBe('{"text":"hi","number":"+237650000001"}');
  });

  test('may bind several queues, unbind, purge and delete them, and bind with a pattern below its own name', async () => {
    await tenantsAt().subscribe(alice, key);
    const phone = await phoneOf(alice);
    const queue = queueName(alice, operator);
    await phone.assertQueue(queue, { durable: true });
    for (const binding of [routingKey(alice, operator), routingKey(alice, '*'), routingKey(alice, '#')]) {
      await phone.bindQueue(queue, exchangeName, binding);
      await phone.unbindQueue(queue, exchangeName, binding);
    }
    await phone.purgeQueue(queue);
    await phone.deleteQueue(queue);
  });

  test('may use its own exchange as DekuSMS does, before and after the first SMS', async () => {
    const { manage } = rabbit();
    await tenantsAt().subscribe(alice, key);
    const exchange = developerExchangeName(alice);
    const path = `exchanges/%2F/${exchange}`;
    expect(await manage('GET', path)).toMatchObject({ type: 'topic', durable: true, auto_delete: false });
    for (const binding of [networkRoutingKey(alice, '237', '62401'), everyNetworkBinding(alice)]) {
      const phone = await phoneOf(alice);
      const queue = await bindDekuPhone(phone, exchange, binding);
      await phone.consume(queue, () => undefined);
    }
    await manage('DELETE', path);
    await bindDekuPhone(await phoneOf(alice), exchange, everyNetworkBinding(alice));
    // With the permissions of swob 0.1.0 too, and again after the next subscription.
    const previous = `^${alice}_OUTGOING_SMS`;
    const permissions = { configure: previous, write: previous, read: `${previous}|^${exchangeName}$` };
    await manage('PUT', `permissions/%2F/${alice}`, permissions);
    await bindDekuPhone(await phoneOf(alice), exchange, everyNetworkBinding(alice));
    await tenantsAt().subscribe(alice, key);
    await bindDekuPhone(await phoneOf(alice), exchange, everyNetworkBinding(alice));
    expect(await manage('GET', `permissions/%2F/${alice}`)).toMatchObject({ write: `${previous}_` });
  });

  test("may sign in to the management API with the tag for it, and cannot read another developer's SMS there", async () => {
    const { managementUrl } = rabbit();
    const tenants = tenantsAt({ tags: ['management'] });
    for (const user of [alice, bob]) await tenants.subscribe(user, key);
    const queue = queueName(bob, operator);
    await (await phoneOf(bob)).assertQueue(queue, { durable: true });
    const authorization = `Basic ${Buffer.from(`${alice}:${key}`).toString('base64')}`;
    const call = (path: string, method = 'GET', body?: string) =>
      fetch(`${managementUrl}/api/${path}`, { method, headers: { authorization }, ...(body && { body }) });
    expect(await (await call('whoami')).json()).toMatchObject({ name: alice, tags: ['swob', 'management'] });
    const get = '{"count":1,"ackmode":"ack_requeue_false","encoding":"auto"}';
    expect((await call(`queues/%2F/${encodeURIComponent(queue)}/get`, 'POST', get)).status).toBe(401);
    expect((await call(`queues/%2F/${encodeURIComponent(queue)}`, 'DELETE')).status).toBe(401);
    expect((await call('users')).status).toBe(401);
    expect(await tenants.isSubscribed(alice)).toBe(true);
    await tenantsAt().subscribe(alice, key);
    expect((await call('whoami')).status).toBe(401);
  });

  test('cannot use the management API or another vhost', async () => {
    const { managementUrl, manage } = rabbit();
    await tenantsAt().subscribe(alice, key);
    const authorization = `Basic ${Buffer.from(`${alice}:${key}`).toString('base64')}`;
    const response = await fetch(`${managementUrl}/api/whoami`, { headers: { authorization } });
    expect(response.status).toBe(401);
    await manage('PUT', 'vhosts/other', {});
    await expect(connectClient(urlOf(alice, key, '/other'))).rejects.toThrow(/ConnectionOpenOk/);
  });
});

describe('Q13, R9: a developer is refused', () => {
  test.each([...reading, ...writing, ...declaring])('%s', async (_what, attempt) => {
    const tenants = tenantsAt();
    await tenants.subscribe(alice, key);
    await tenants.subscribe(bob, key);
    const victim = await consumeQueue(await phoneOf(bob), others, othersKey);
    const othersExchange = developerExchangeName(bob);
    await (await phoneOf(bob)).bindQueue(others, othersExchange, '#');
    const phone = await phoneOf(alice);
    await phone.assertQueue(own, { durable: true });
    await expect(attempt(phone)).rejects.toMatchObject({ code: 403 });
    // Nothing has changed for the other developer.
    const guest = await openChannel(await connectClient(rabbit().url));
    guest.publish(exchangeName, othersKey, Buffer.from('still here'));
    guest.publish(othersExchange, 'any', Buffer.from('still here'));
    for (let n = 0; n < 2; n += 1) expect(String((await victim.next()).content)).toBe('still here');
    expect(await guest.checkQueue(own)).toMatchObject({ messageCount: 0 });
  });
});
