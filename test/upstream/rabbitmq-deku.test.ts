// SMS to phones with DekuSMS, which bind to an exchange of their developer, on a real RabbitMQ; and never to two phones.

import type { Channel } from 'amqplib';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  developerExchangeName,
  everyNetworkBinding,
  exchangeName,
  networkRoutingKey,
  queueName,
  routingKey,
} from '../../src/domain/outgoing/broker-names.ts';
import { connectClient, openChannel } from '../support/amqp-client.ts';
import { bindDekuPhone, takeAll } from '../support/deku-phone.ts';
import { brokerForFile, refusalOf, sms, timeoutMs } from './rabbitmq-fixture.ts';

const { rabbit, createTestBroker } = brokerForFile();
const { authId, operatorName } = sms;
const exchange = developerExchangeName(authId);
const binding = networkRoutingKey(authId, '237', '62401');
const oldQueue = queueName(authId, operatorName);

const openGuest = async (): Promise<Channel> => openChannel(await connectClient(rabbit().url));
const textsIn = async (queue: string): Promise<string[]> =>
  (await takeAll(await openGuest(), queue)).map((body) => JSON.parse(String(body)).text);
const bindDeku = async (as = binding): Promise<string> => bindDekuPhone(await openGuest(), exchange, as);

/** The queue of a phone that is bound by operator name. */
async function bindOld(): Promise<void> {
  const channel = await openGuest();
  await channel.assertExchange(exchangeName, 'topic', { durable: true });
  await channel.assertQueue(oldQueue, { durable: true });
  await channel.bindQueue(oldQueue, exchangeName, routingKey(authId, operatorName));
}

beforeEach(async () => {
  const channel = await openGuest();
  await channel.deleteExchange(exchange);
  for (const queue of [
    oldQueue,
    ...[binding, networkRoutingKey(authId, '237', '62402'), everyNetworkBinding(authId)].map((b) =>
      b.replaceAll('.', '_'),
    ),
  ])
    await channel.deleteQueue(queue);
});

describe('an SMS for a phone with DekuSMS', () => {
  test('has exactly the body and the routing key of DekuSMS, and an id of its own', async () => {
    const queue = await bindDeku();
    const { broker } = createTestBroker();
    const text = 'Ça va? "quoted" \u0000 😀';
    for (const sid of ['1', '7']) expect(await broker.send({ ...sms, text, sid })).toBe('sent');
    const channel = await openGuest();
    const ids: number[] = [];
    for (const sid of ['1', '7']) {
      const message = await channel.get(queue);
      if (!message) throw new Error('no message');
      const { id } = JSON.parse(String(message.content));
      ids.push(id);
      expect(String(message.content)).toBe(
        `{"text":${JSON.stringify(text)},"to":"+237650000001","sid":"${sid}","id":${id}}`,
      );
      expect(message.fields).toMatchObject({ exchange, routingKey: 'dev1_OUTGOING_SMS.237.62401' });
      expect(message.properties).toMatchObject({ deliveryMode: 2, contentType: 'application/json' });
    }
    for (const id of ids) expect(id).toBe(id | 0);
    expect(new Set(ids).size).toBe(2);
  });

  test('reaches its queue only, also when a phone of the same developer is bound by operator name', async () => {
    await bindOld();
    const { broker } = createTestBroker();
    expect(await broker.send({ ...sms, text: 'before' })).toBe('sent');
    const queue = await bindDeku();
    expect(await broker.send({ ...sms, text: 'bound' })).toBe('sent');
    await (await openGuest()).unbindQueue(queue, exchange, binding);
    expect(await broker.send({ ...sms, text: 'after' })).toBe('sent');
    expect(await textsIn(queue)).toEqual(['bound']);
    const old = (await takeAll(await openGuest(), oldQueue)).map(String);
    expect(old).toEqual(['before', 'after'].map((text) => JSON.stringify({ text, number: sms.number })));
  });

  test('keeps the order of a batch', async () => {
    const queue = await bindDeku();
    const { broker } = createTestBroker();
    const texts = Array.from({ length: 200 }, (_, n) => String(n));
    const outcomes = await Promise.all(texts.map((text) => broker.send({ ...sms, text })));
    expect(new Set(outcomes)).toEqual(new Set(['sent']));
    expect(await textsIn(queue)).toEqual(texts);
  });

  test('reaches a phone on any of the networks of the operator, and one that is bound to every network', async () => {
    const queue = await bindDeku();
    const { broker } = createTestBroker();
    expect(await broker.send({ ...sms, networkCodes: ['62498', '62401', '62499'] })).toBe('sent');
    expect(await broker.send({ ...sms, networkCodes: ['62498'] })).toBe('unroutable');
    const every = await bindDeku(everyNetworkBinding(authId));
    for (const network of [{ networkCodes: [] }, { networkCodes: ['62498'], operatorName: '' }]) {
      expect(await broker.send({ ...sms, ...network })).toBe('sent');
    }
    expect(await textsIn(queue)).toEqual(['hi']);
    expect(await textsIn(every)).toEqual(['hi', 'hi']);
  });

  test('goes to the phones of several networks round-robin, and last to those that fail', async () => {
    const other = networkRoutingKey(authId, '237', '62402');
    const queues = [await bindDeku(), await bindDeku(other)];
    const { broker, routes } = createTestBroker();
    const both = { ...sms, messageId: '7', networkCodes: ['62401', '62402'] };
    for (const text of ['1', '2', '3', '4']) await broker.send({ ...both, text });
    expect(await Promise.all(queues.map(textsIn))).toEqual([
      ['1', '3'],
      ['2', '4'],
    ]);
    for (let n = 0; n < 5; n++) routes.changed({ state: 'failed', times: { queued: 1 }, route: other });
    for (const text of ['5', '6']) await broker.send({ ...both, text });
    expect(await broker.send({ ...both, text: '7', networkCodes: ['62402'] })).toBe('sent');
    expect(await Promise.all(queues.map(textsIn))).toEqual([['5', '6'], ['7']]);
  });

  test('is refused when the queue is full, and not sent to another phone', async () => {
    await bindOld();
    const channel = await openGuest();
    await channel.assertExchange(exchange, 'topic', { durable: true });
    const full = { exclusive: true, maxLength: 1, overflow: 'reject-publish' } as const;
    await channel.bindQueue((await channel.assertQueue('', full)).queue, exchange, '#');
    const { broker } = createTestBroker();
    expect(await broker.send(sms)).toBe('sent');
    expect(await broker.send(sms)).toBe('refused');
    expect(await textsIn(oldQueue)).toEqual([]);
  });

  test('without a confirm in time is not sent to another phone', async () => {
    await bindOld();
    const queue = await bindDeku();
    const { broker, clock } = createTestBroker();
    expect(await broker.send(sms)).toBe('sent');
    rabbit().freeze();
    onTestFinished(() => rabbit().thaw());
    const sent = broker.send({ ...sms, text: 'late' });
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    clock.advance(timeoutMs);
    expect(await sent).toBe('unconfirmed');
    rabbit().thaw();
    expect(await broker.send({ ...sms, text: 'next' })).toBe('sent');
    expect(await textsIn(queue)).toEqual(['hi', 'late', 'next']);
    expect(await textsIn(oldQueue)).toEqual([]);
  });
});

describe('the exchange of a developer', () => {
  test('is declared when it is missing, before the first SMS and after it was deleted', async () => {
    await bindOld();
    const { broker, log } = createTestBroker();
    for (const text of ['a', 'b']) {
      expect(await broker.send({ ...sms, text })).toBe('sent');
      await (await openGuest()).deleteExchange(exchange);
    }
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => broker.send({ ...sms, text: 'c' })));
    expect(new Set(outcomes)).toEqual(new Set(['sent']));
    await (await openGuest()).checkExchange(exchange);
    expect(await textsIn(oldQueue)).toEqual(['a', 'b', ...outcomes.map(() => 'c')]);
    expect(log.lines).toHaveLength(1);
  });

  test('that a developer declared differently affects nobody else, and its SMS go to phones of the old kind', async () => {
    await bindOld();
    await (await openGuest()).assertExchange(exchange, 'fanout');
    const { broker, clock, log } = createTestBroker();
    const other = { ...sms, authId: 'dev2' };
    const channel = await openGuest();
    const queue = await bindDekuPhone(
      channel,
      developerExchangeName('dev2'),
      networkRoutingKey('dev2', '237', '62401'),
    );
    const outcomes = await Promise.all([sms, other, sms, other].map(broker.send));
    expect(outcomes).toEqual(['sent', 'sent', 'sent', 'sent']);
    expect(await textsIn(oldQueue)).toEqual(['hi', 'hi']);
    expect(await textsIn(queue)).toEqual(['hi', 'hi']);
    const warnings = log.lines.filter(({ level }) => level === 'warn');
    expect(warnings).toMatchObject([{ fields: { exchange, reason: '406 PRECONDITION-FAILED' } }]);
    // It is tried again a minute later.
    await (await openGuest()).deleteExchange(exchange);
    const own = await bindDeku();
    clock.advance(60_000);
    expect(await broker.send(sms)).toBe('sent');
    expect(await textsIn(own)).toEqual(['hi']);
  });

  test('that the broker does not answer for is not waited for, and its SMS is not sent later', async () => {
    const queue = await bindDeku();
    const { broker, clock } = createTestBroker();
    const other = { ...sms, authId: 'dev3' };
    expect(await broker.send(other)).toBe('unroutable');
    rabbit().freeze();
    onTestFinished(() => rabbit().thaw());
    const sent = broker.send(sms);
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    clock.advance(timeoutMs);
    expect((await refusalOf(sent)).message).toBe('the message broker does not respond');
    rabbit().thaw();
    expect(await broker.send({ ...sms, text: 'next' })).toBe('sent');
    expect(await textsIn(queue)).toEqual(['next']);
  });
});
