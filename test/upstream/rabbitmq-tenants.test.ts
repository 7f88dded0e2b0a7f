// Subscribing and unsubscribing developers on a real RabbitMQ.

import { describe, expect, onTestFinished, test } from 'vitest';
import {
  developerExchangeName,
  exchangeName,
  queueName,
  routingKey,
} from '../../src/domain/outgoing/broker-names.ts';
import type { TenantsOptions } from '../../src/upstream/rabbitmq-tenants.ts';
import { connectClient, consumeQueue, openChannel } from '../support/amqp-client.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { alice, bob, operator } from './tenant-attempts.ts';
import { key, tenantsForFile } from './tenants-fixture.ts';
import { errorOf } from './upstream-failure.ts';

const { rabbit, tenantsAt, urlOf, phoneOf, namesOf } = tenantsForFile();

describe('a subscribed developer', () => {
  test('gets an error that says what to do when its exchange has other properties', async () => {
    await tenantsAt().subscribe(alice, key);
    const exchange = developerExchangeName(alice);
    const phone = await phoneOf(alice);
    await phone.deleteExchange(exchange);
    await phone.assertExchange(exchange, 'topic', { durable: false });
    expect(await errorOf(tenantsAt().subscribe(alice, key))).toMatchObject({
      code: 'UPSTREAM',
      message: expect.stringContaining(`exchange ${exchange} exists, but is not of type topic and durable`),
    });
    await tenantsAt().unsubscribe(alice);
    await tenantsAt().subscribe(alice, key);
  });

  test('gets a new password by subscribing again, and keeps its queues', async () => {
    const tenants = tenantsAt();
    await tenants.subscribe(alice, 'old-key');
    const before = await openChannel(await connectClient(urlOf(alice, 'old-key')));
    await before.assertQueue(queueName(alice, operator), { durable: true });
    await tenants.subscribe(alice, key);
    await tenants.subscribe(alice, key);
    await expect(connectClient(urlOf(alice, 'old-key'))).rejects.toThrow(/403/);
    await (await phoneOf(alice)).checkQueue(queueName(alice, operator));
  });

  test('loses extra permissions by subscribing again', async () => {
    const { manage } = rabbit();
    await tenantsAt().subscribe(alice, key);
    await manage('PUT', `permissions/%2F/${alice}`, { configure: '.*', write: '.*', read: '.*' });
    await tenantsAt().subscribe(alice, key);
    await expect((await phoneOf(alice)).assertQueue('anything')).rejects.toThrow(/403/);
  });

  test('of the replaced server is recognized, and gets current permissions by subscribing again', async () => {
    const { manage } = rabbit();
    await manage('PUT', `users/${alice}`, { password: 'old', tags: 'management' });
    const own = `^(${exchangeName}|${alice}_.*)$`;
    await manage('PUT', `permissions/%2F/${alice}`, { configure: own, write: own, read: own });
    const tenants = tenantsAt();
    expect(await tenants.isSubscribed(alice)).toBe(true);
    await tenants.subscribe(alice, key);
    await expect((await phoneOf(alice)).assertQueue(`${alice}_other`)).rejects.toThrow(/403/);
    expect(await manage('GET', `users/${alice}`)).toMatchObject({ tags: ['swob'] });
  });
});

describe('unsubscribe', () => {
  test('disconnects the phones and removes what they declared, and nothing else', async () => {
    const clock = createFakeClock();
    const tenants = tenantsAt({ clock });
    for (const user of [alice, bob]) {
      await tenants.subscribe(user, key);
      await (await phoneOf(user)).assertQueue(queueName(user, operator), { durable: true });
    }
    const connection = await connectClient(urlOf(alice, key));
    const phone = await openChannel(connection);
    await consumeQueue(phone, queueName(alice, 'Orange #1/x'), routingKey(alice, 'Orange #1/x'));
    await phone.assertExchange(`${queueName(alice, operator)}-x`, 'fanout');
    const closed = new Promise((resolve) => connection.once('close', resolve));
    expect(await tenants.isSubscribed(alice)).toBe(true);
    await tenants.unsubscribe(alice);
    await closed;
    expect(await tenants.isSubscribed(alice)).toBe(false);
    // Another process caches the subscription for a minute, but the queues to send to are gone.
    const elsewhere = tenantsAt({ clock });
    expect(await elsewhere.isSubscribed(bob)).toBe(true);
    await tenants.unsubscribe(bob);
    expect(await elsewhere.isSubscribed(bob)).toBe(true);
    clock.advance(60_000);
    expect(await elsewhere.isSubscribed(bob)).toBe(false);
    await tenants.subscribe(bob, key);
    await (await phoneOf(bob)).assertQueue(queueName(bob, operator), { durable: true });
    await expect(phoneOf(alice)).rejects.toThrow(/403/);
    expect(await namesOf('queues')).toEqual([queueName(bob, operator)]);
    expect(await namesOf('exchanges')).toEqual([developerExchangeName(bob)]);
    await (await phoneOf(bob)).checkQueue(queueName(bob, operator));
    await tenants.unsubscribe(alice);
  });

  test('is not undone in the cache by a check that began before it', async () => {
    const tenants = tenantsAt();
    await tenants.subscribe(alice, key);
    await Promise.all([tenants.isSubscribed(alice), tenants.unsubscribe(alice)]);
    expect(await tenants.isSubscribed(alice)).toBe(false);
  });

  test('of an unknown developer does nothing', async () => {
    await tenantsAt().unsubscribe('nobody');
    expect(await tenantsAt().isSubscribed('nobody')).toBe(false);
  });
});

describe('another vhost than /', () => {
  test('is the only one on which a developer gets permissions', async () => {
    const { manage, url } = rabbit();
    await manage('PUT', 'vhosts/a%2Fb', {});
    await manage('PUT', 'permissions/a%2Fb/guest', { configure: '.*', write: '.*', read: '.*' });
    const tenants = tenantsAt({ brokerUrl: `${url}/a%2Fb` });
    await tenants.subscribe(alice, key);
    const phone = await openChannel(await connectClient(urlOf(alice, key, '/a%2Fb')));
    await consumeQueue(phone, queueName(alice, operator), routingKey(alice, operator));
    await expect(connectClient(urlOf(alice, key))).rejects.toThrow(/ConnectionOpenOk/);
    await tenants.unsubscribe(alice);
    expect(await manage('GET', 'queues/a%2Fb')).toEqual([]);
  });
});

describe('users who are not known as developers', () => {
  const old = `^(${exchangeName}|billing_.*)$`;
  const all = { configure: old, write: old, read: old };

  test.each<[string, string, Partial<TenantsOptions>, string, object?]>([
    ['an administrator', 'guest', { user: 'guest' }, 'administrator'],
    ['another administrator', 'root', {}, 'administrator'],
    ['an administrator with our tag', 'root', {}, 'swob,administrator'],
    ['swob itself', 'swob', { brokerUrl: 'amqp://swob:x@localhost' }, ''],
    ['another program', 'billing', {}, '', { configure: '^billing-', write: '.*', read: '.*' }],
    ['one whose names begin with it', 'billing', {}, 'management', { ...all, configure: 'billing_.*' }],
    ['one that writes more', 'billing', {}, 'management', { ...all, write: '.*' }],
    ['one that reads more', 'billing', {}, 'management', { ...all, read: `${old}|.*` }],
    ['one with another tag', 'billing', {}, 'monitoring', all],
    ['one with one more tag', 'billing', {}, 'management,policymaker', all],
    ['one without a tag', 'billing', {}, '', all],
    ['one without permissions', 'billing', {}, 'management'],
  ])('are left alone: %s', async (_who, name, options, tags, permissions) => {
    const { manage } = rabbit();
    onTestFinished(async () => void (name !== 'guest' && (await manage('DELETE', `users/${name}`))));
    if (name !== 'guest') await manage('PUT', `users/${name}`, { password: 'b', tags });
    if (permissions) await manage('PUT', `permissions/%2F/${name}`, permissions);
    const state = async () => [
      await manage('GET', `users/${name}`),
      await manage('GET', `users/${name}/permissions`),
    ];
    const before = await state();
    const tenants = tenantsAt(options);
    const refusal = await errorOf(tenants.subscribe(name, 'evil'));
    expect(refusal).toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringContaining(`rabbitmqctl set_user_tags ${name} swob`),
    });
    expect(await errorOf(tenants.unsubscribe(name))).toMatchObject({ code: 'FORBIDDEN' });
    expect(await tenants.isSubscribed(name)).toBe(false);
    expect(await state()).toEqual(before);
  });

  test("are tenants of the replaced server with all permissions if their password is already the developer's", async () => {
    const { manage } = rabbit();
    await manage('PUT', `users/${alice}`, { password: key, tags: 'management' });
    const everything = { configure: '.*', write: '.*', read: '.*' };
    await manage('PUT', `permissions/%2F/${alice}`, everything);
    const tenants = tenantsAt();
    expect(await tenants.isSubscribed(alice)).toBe(false);
    expect(await errorOf(tenants.subscribe(alice, 'another-key'))).toMatchObject({ code: 'FORBIDDEN' });
    expect(await manage('GET', `users/${alice}/permissions`)).toEqual([
      { user: alice, vhost: '/', ...everything },
    ]);
    await tenants.subscribe(alice, key);
    expect(await manage('GET', `users/${alice}`)).toMatchObject({ tags: ['swob'] });
    await expect((await phoneOf(alice)).assertQueue('anything')).rejects.toThrow(/403/);
  });

  test('are left alone if they have the permissions of an old tenant and others in another vhost', async () => {
    const { manage } = rabbit();
    onTestFinished(async () => void (await manage('DELETE', 'users/billing')));
    await manage('PUT', 'vhosts/other', {});
    await manage('PUT', 'users/billing', { password: 'b', tags: 'management' });
    for (const vhost of ['%2F', 'other']) await manage('PUT', `permissions/${vhost}/billing`, all);
    expect(await errorOf(tenantsAt().subscribe('billing', 'evil'))).toMatchObject({ code: 'FORBIDDEN' });
    // The same with permissions in the other vhost only.
    await manage('DELETE', 'permissions/%2F/billing');
    expect(await errorOf(tenantsAt().subscribe('billing', 'evil'))).toMatchObject({ code: 'FORBIDDEN' });
  });

  test('are adopted when the operator has given them the tag of developers', async () => {
    const { manage } = rabbit();
    onTestFinished(async () => void (await manage('DELETE', 'users/billing')));
    await manage('PUT', 'users/billing', { password: 'b', tags: 'swob' });
    await manage('PUT', 'permissions/%2F/billing', { configure: '.*', write: '.*', read: '.*' });
    await tenantsAt().subscribe('billing', key);
    await expect((await phoneOf('billing')).assertQueue('anything')).rejects.toThrow(/403/);
  });
});
