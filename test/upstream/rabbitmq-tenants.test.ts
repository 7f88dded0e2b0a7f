import type { ServerResponse } from 'node:http';
import type { Channel } from 'amqplib';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { exchangeName, queueName, routingKey } from '../../src/domain/outgoing-names.ts';
import type { Tenants } from '../../src/domain/upstreams.ts';
import { createBroker } from '../../src/upstream/rabbitmq.ts';
import { createTenants, type TenantsOptions } from '../../src/upstream/rabbitmq-tenants.ts';
import { connectClient, consumeQueue, openChannel } from '../support/amqp-client.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';
import { rabbitForFile } from '../support/rabbitmq.ts';
import { startHostileServer } from './hostile-server.ts';
import { failureOf } from './pcrf-client.ts';

const rabbit = rabbitForFile();
const operator = 'MTN Cameroon';
const [alice, bob] = ['alice', 'bob'];
const key = 'al1ce-key';

function tenantsAt(options: Partial<TenantsOptions> = {}): Tenants {
  const { url, managementUrl } = rabbit();
  const guest = { user: 'guest', password: 'guest' };
  const defaults = { managementUrl, ...guest, brokerUrl: url, timeoutMs: 10_000, clock: createFakeClock() };
  return createTenants({ ...defaults, ...options });
}

/** The broker's URL for this user. */
function urlOf(user: string, password = key, vhost = ''): string {
  return `amqp://${rabbit().host}:${rabbit().port}${vhost}`.replace(
    '//',
    `//${user}:${encodeURIComponent(password)}@`,
  );
}

async function phoneOf(user: string): Promise<Channel> {
  return openChannel(await connectClient(urlOf(user, key)));
}

const namesOf = async (kind: string): Promise<string[]> => {
  const list: { name: string }[] = Object(await rabbit().manage('GET', `${kind}/%2F`));
  return list.map(({ name }) => name).filter((name) => name.includes('_OUTGOING_SMS'));
};

/** Each test begins with what a broker has that nobody has used. */
beforeEach(async () => {
  const { manage } = rabbit();
  for (const user of [alice, bob]) await manage('DELETE', `users/${user}`).catch(() => undefined);
  for (const kind of ['queues', 'exchanges']) {
    for (const name of await namesOf(kind)) await manage('DELETE', `${kind}/%2F/${encodeURIComponent(name)}`);
  }
  await manage('DELETE', `exchanges/%2F/${exchangeName}`).catch(() => undefined);
});

describe('a subscribed developer', () => {
  test('receives with the rights of a gateway phone, also when nothing was ever sent', async () => {
    await tenantsAt().subscribe(alice, key);
    const queue = await consumeQueue(
      await phoneOf(alice),
      queueName(alice, operator),
      routingKey(alice, operator),
    );
    const clock = createFakeClock();
    const broker = createBroker({ url: rabbit().url, timeoutMs: 10_000, clock, log: createMemoryLog() });
    onTestFinished(() => broker.close());
    const sms = { authId: alice, operatorName: operator, number: '+237650000001', text: 'hi' };
    expect(await broker.send(sms)).toBe('sent');
    expect(String((await queue.next()).content)).toBe('{"text":"hi","number":"+237650000001"}');
  });

  test('may bind several queues, unbind, purge and delete them, and bind by a pattern below its own name', async () => {
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

  test('loses rights that somebody gave it, by subscribing again', async () => {
    const { manage } = rabbit();
    await tenantsAt().subscribe(alice, key);
    await manage('PUT', `permissions/%2F/${alice}`, { configure: '.*', write: '.*', read: '.*' });
    await tenantsAt().subscribe(alice, key);
    await expect((await phoneOf(alice)).assertQueue('anything')).rejects.toThrow(/403/);
  });

  test('of the replaced server is known as one, and gets the rights of today by subscribing again', async () => {
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

  test('cannot use the management API, nor another vhost', async () => {
    const { managementUrl, manage } = rabbit();
    await tenantsAt().subscribe(alice, key);
    const authorization = `Basic ${Buffer.from(`${alice}:${key}`).toString('base64')}`;
    const answer = await fetch(`${managementUrl}/api/whoami`, { headers: { authorization } });
    expect(answer.status).toBe(401);
    await manage('PUT', 'vhosts/other', {});
    await expect(connectClient(urlOf(alice, key, '/other'))).rejects.toThrow(/ConnectionOpenOk/);
  });
});

describe('HOSTILE Q13: a developer is refused', () => {
  const own = queueName(alice, operator);
  const others = queueName(bob, operator);
  const othersKey = routingKey(bob, operator);
  const deadLetter = (exchange: string, deadLetterRoutingKey: string) => ({
    durable: true,
    deadLetterExchange: exchange,
    deadLetterRoutingKey,
  });

  /** Reads or steals. */
  const reading: [string, (phone: Channel) => Promise<unknown>][] = [
    ['every key', (phone) => phone.bindQueue(own, exchangeName, '#')],
    ['every first word', (phone) => phone.bindQueue(own, exchangeName, `*.${operator}`)],
    ['no key at all', (phone) => phone.bindQueue(own, exchangeName, '')],
    ["another's key", (phone) => phone.bindQueue(own, exchangeName, othersKey)],
    ["another's keys", (phone) => phone.bindQueue(own, exchangeName, `${bob}_OUTGOING_SMS.*`)],
    [
      'a longer name than its own',
      (phone) => phone.bindQueue(own, exchangeName, `${alice}_OUTGOING_SMS2.${operator}`),
    ],
    [
      'its own key in another place',
      (phone) => phone.bindQueue(own, exchangeName, `#.${routingKey(alice, operator)}`),
    ],
    [
      "to bind another's queue",
      (phone) => phone.bindQueue(others, exchangeName, routingKey(alice, operator)),
    ],
    ["to unbind another's queue", (phone) => phone.unbindQueue(others, exchangeName, othersKey)],
    ["to consume another's queue", (phone) => phone.consume(others, () => undefined)],
    ["to get from another's queue", (phone) => phone.get(others)],
    ["to purge another's queue", (phone) => phone.purgeQueue(others)],
    ["to delete another's queue", (phone) => phone.deleteQueue(others)],
    ['an exchange of its own for every key', (phone) => bindExchange(phone, exchangeName, '#')],
    ["an exchange of its own for another's key", (phone) => bindExchange(phone, exchangeName, othersKey)],
    ['the events of the broker', (phone) => phone.bindQueue(own, 'amq.rabbitmq.trace', '#')],
    ['what others publish elsewhere', (phone) => phone.bindQueue(own, 'amq.topic', '#')],
  ];

  /** Writes, or takes up room. */
  const writing: [string, (phone: Channel) => Promise<unknown>][] = [
    ['to publish to the exchange', (phone) => publish(phone, exchangeName, routingKey(alice, operator))],
    ["to publish another's SMS", (phone) => publish(phone, exchangeName, othersKey)],
    ['to publish without a key', (phone) => publish(phone, exchangeName, '')],
    ["to publish to another's queue", (phone) => publish(phone, '', others)],
    ['to publish to its own queue by the default exchange', (phone) => publish(phone, '', own)],
    ['to publish to amq.topic', (phone) => publish(phone, 'amq.topic', othersKey)],
    ["to declare another's queue", (phone) => phone.assertQueue(`${others}2`, { durable: true })],
    ['to declare a queue of another name', (phone) => phone.assertQueue('q', { durable: true })],
    ['to declare a queue whose name only holds its own', (phone) => phone.assertQueue(`x${own}`)],
    ['to declare a queue without a name', (phone) => phone.assertQueue('', { exclusive: true })],
    ['to declare an exchange', (phone) => phone.assertExchange('x', 'fanout')],
    ['to delete the exchange', (phone) => phone.deleteExchange(exchangeName)],
    [
      'dead letters into the exchange',
      (phone) => phone.assertQueue(`${own}2`, deadLetter(exchangeName, othersKey)),
    ],
    ["dead letters into another's queue", (phone) => phone.assertQueue(`${own}2`, deadLetter('', others))],
    [
      'an alternate exchange that publishes',
      (phone) => phone.assertExchange(`${own}2`, 'fanout', { alternateExchange: exchangeName }),
    ],
    [
      "an exchange of its own that feeds another's queue",
      async (phone) => {
        await phone.assertExchange(`${own}2`, 'fanout');
        await phone.bindQueue(others, `${own}2`, '');
      },
    ],
    [
      'an exchange of its own that feeds the exchange',
      (phone) => bindExchange(phone, `${own}2`, '', exchangeName),
    ],
  ];

  test.each([...reading, ...writing])('%s', async (_what, attempt) => {
    const tenants = tenantsAt();
    await tenants.subscribe(alice, key);
    await tenants.subscribe(bob, key);
    const victim = await consumeQueue(await phoneOf(bob), others, othersKey);
    const phone = await phoneOf(alice);
    await phone.assertQueue(own, { durable: true });
    await expect(attempt(phone)).rejects.toMatchObject({ code: 403 });
    // Nothing has changed for the other one.
    const guest = await openChannel(await connectClient(rabbit().url));
    guest.publish(exchangeName, othersKey, Buffer.from('still here'));
    expect(String((await victim.next()).content)).toBe('still here');
    expect(await guest.checkQueue(own)).toMatchObject({ messageCount: 0 });
  });

  /** Publishing is answered by nothing but the end of the channel. */
  function publish(phone: Channel, exchange: string, to: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      phone.once('error', reject);
      phone.publish(exchange, to, Buffer.from('{"text":"evil","number":"+237650000002"}'));
      phone.checkExchange(exchange || 'amq.direct').then(resolve, reject);
    });
  }

  async function bindExchange(
    phone: Channel,
    source: string,
    by: string,
    destination = `${own}-x`,
  ): Promise<void> {
    for (const name of [source, destination])
      if (name !== exchangeName) await phone.assertExchange(name, 'fanout');
    await phone.bindExchange(destination, source, by);
  }
});

describe('unsubscribe', () => {
  test('cuts the phones off and removes what they had, and nothing else', async () => {
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
    // Seen for a minute more where another process did it; what could still be sent to is gone.
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
    expect(await namesOf('exchanges')).toEqual([]);
    await (await phoneOf(bob)).checkQueue(queueName(bob, operator));
    await tenants.unsubscribe(alice);
  });

  test('of somebody who is not there does nothing', async () => {
    await tenantsAt().unsubscribe('nobody');
    expect(await tenantsAt().isSubscribed('nobody')).toBe(false);
  });
});

describe('another vhost than /', () => {
  test('is the only one that a developer gets rights on', async () => {
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

describe('users who are no developers', () => {
  test.each([
    ['an administrator', 'guest', { user: 'guest' }],
    ['another administrator', 'root', { user: 'guest' }],
    ['swob itself', 'swob', { brokerUrl: 'amqp://swob:x@localhost' }],
    ['another program', 'billing', {}],
  ])('are left alone: %s', async (_who, name, options) => {
    const { manage } = rabbit();
    if (name === 'root') await manage('PUT', 'users/root', { password: 'r', tags: 'administrator' });
    if (name === 'swob') await manage('PUT', 'users/swob', { password: 's', tags: '' });
    if (name === 'billing') {
      await manage('PUT', 'users/billing', { password: 'b', tags: '' });
      await manage('PUT', 'permissions/%2F/billing', { configure: '^billing-', write: '.*', read: '.*' });
    }
    const before = await manage('GET', `users/${name}`);
    const tenants = tenantsAt(options);
    expect(await failureOf(tenants.subscribe(name, 'evil'))).toMatchObject({ code: 'FORBIDDEN' });
    expect(await failureOf(tenants.unsubscribe(name))).toMatchObject({ code: 'FORBIDDEN' });
    expect(await tenants.isSubscribed(name)).toBe(false);
    expect(await manage('GET', `users/${name}`)).toEqual(before);
  });
});

describe('a management API that fails', () => {
  const steps = [
    'GET /api/users/alice',
    `PUT /api/exchanges/%2F/${exchangeName}`,
    'PUT /api/users/alice',
    'PUT /api/topic-permissions/%2F/alice',
    'PUT /api/permissions/%2F/alice',
  ];
  const good = (step: string) => (response: ServerResponse) =>
    void response.writeHead(step.startsWith('GET') ? 404 : 204).end();

  test.each([...steps.keys()])('after %i steps leaves nobody with rights that are too many', async (done) => {
    const handlers = steps.map((step, index) => [
      step,
      index < done ? good(step) : (response: ServerResponse) => void response.writeHead(500).end('oops'),
    ]);
    const server = await startHostileServer(Object.fromEntries(handlers));
    const failed = await failureOf(tenantsAt({ managementUrl: server.url }).subscribe(alice, key));
    expect(failed.code).toBe('UPSTREAM');
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(steps.slice(0, done + 1));
  });

  const answer =
    (status: number, body = '', headers = {}) =>
    (response: ServerResponse) =>
      void response.writeHead(status, headers).end(body);

  test.each<[string, (response: ServerResponse) => void, RegExp]>([
    ['wrong credentials', answer(401, '{"error":"not_authorised"}'), /answered 401/],
    ['500 that never ends', (response) => void response.writeHead(500).write('x'), /answered 500/],
    ['a redirect', answer(302, '', { location: 'http://127.0.0.1:1/' }), /answered 302/],
    ['no JSON', answer(200, '<html>'), /no JSON object/],
    ['a list', answer(200, '[]'), /no JSON object/],
    ['over 1 MiB', answer(200, JSON.stringify({ tags: 'x'.repeat(1024 * 1024) })), /over 1048576 bytes/],
    ['nothing', () => {}, /no answer within 100 ms/],
    ['half a body', (response) => void response.writeHead(200).write('{'), /no answer within 100 ms/],
  ])('is UPSTREAM, without secrets: %s', async (_what, handler, why) => {
    const server = await startHostileServer({ 'GET /api/users/alice': handler });
    const managementUrl = `${server.url.replace('//', '//someone:hidden@')}/?token=hidden`;
    // Short only where its end is what is tested: a machine may be busy.
    const timeoutMs = why.source.includes('100 ms') ? 100 : 10_000;
    const tenants = tenantsAt({ managementUrl, password: 's3cret', timeoutMs });
    const { code, message } = await failureOf(tenants.isSubscribed(alice));
    expect(code).toBe('UPSTREAM');
    expect(message).toMatch(why);
    expect(message).toContain(server.url);
    expect(message).not.toMatch(/s3cret|hidden/);
    expect(server.requests).toHaveLength(1);
  });

  test.each([
    ['no list', '{"items":{}}'],
    ['the names of others', '{"items":[{"name":"bob_OUTGOING_SMS_MTN"},{"name":7},null]}'],
  ])('never has us remove anything by an answer of %s', async (_what, page) => {
    const server = await startHostileServer({ 'GET /api/queues/%2F': answer(200, page) });
    await tenantsAt({ managementUrl: server.url })
      .unsubscribe(alice)
      .catch(() => undefined);
    expect(new Set(server.requests.map(({ method }) => method))).toEqual(new Set(['GET']));
  });

  test('lists what is there page by page, until nothing is left', async () => {
    const left = Array.from({ length: 5 }, (_, index) => queueName(alice, String(index)));
    const names = [...left];
    const server = await startHostileServer({
      'GET /api/queues/%2F': (response) => {
        const items = left.slice(0, 2).map((name) => ({ name }));
        response.end(JSON.stringify({ items }));
      },
      'GET /api/exchanges/%2F': answer(200, '{"items":[]}'),
      ...Object.fromEntries(
        names.map((name) => [
          `DELETE /api/queues/%2F/${name}`,
          (response: ServerResponse) => {
            left.splice(left.indexOf(name), 1);
            response.writeHead(204).end();
          },
        ]),
      ),
    });
    await tenantsAt({ managementUrl: server.url }).unsubscribe(alice);
    expect(left).toEqual([]);
  });

  test('and lists the same for ever ends the removal', async () => {
    const page = answer(200, '{"items":[{"name":"alice_OUTGOING_SMS_MTN"}]}');
    const server = await startHostileServer({ 'GET /api/queues/%2F': page });
    const { message } = await failureOf(tenantsAt({ managementUrl: server.url }).unsubscribe(alice));
    expect(message).toContain('more queues of alice than could be removed');
  });

  test('sends an auth id as one segment of a path, whatever it holds', async () => {
    const server = await startHostileServer({});
    expect(await tenantsAt({ managementUrl: `${server.url}/base/` }).isSubscribed('a/../b?c#d')).toBe(false);
    expect(server.requests.map(({ path }) => path)).toEqual(['/base/api/users/a%2F..%2Fb%3Fc%23d']);
  });
});
