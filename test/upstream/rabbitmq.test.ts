// SMS to a real RabbitMQ: sent, refused, and what close() waits for.

import type { Socket } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { exchangeName, routingKey } from '../../src/domain/outgoing/broker-names.ts';
import { createDeadline } from '../../src/lib/deadline.ts';
import { connectClient, openChannel } from '../support/amqp-client.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';
import {
  brokerForFile,
  createTestClient,
  listen,
  messagesOf,
  refusalOf,
  sms,
  timeoutMs,
} from './rabbitmq-fixture.ts';

const { rabbit, createTestBroker, phoneQueue } = brokerForFile();

describe('send', () => {
  test('puts into the queue of the operator exactly what gateway phones read', async () => {
    const queue = await phoneQueue();
    const { broker } = createTestBroker();
    const text = 'Ça va? "quoted" \u0000 \ud800 😀';
    expect(await broker.send({ ...sms, text })).toBe('sent');
    const { content, fields, properties } = await queue.next();
    expect(content.toString()).toBe(`{"text":${JSON.stringify(text)},"number":"+237650000001"}`);
    expect(fields).toMatchObject({
      exchange: 'DEKU_CLUSTER_SMS',
      routingKey: 'dev1_OUTGOING_SMS.MTN Cameroon',
    });
    expect(properties).toMatchObject({
      deliveryMode: 2,
      contentType: 'application/json',
      messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  test('reports unroutable for an operator without a queue, and only for that one', async () => {
    await phoneQueue();
    const { broker } = createTestBroker();
    const operators = ['Orange', sms.operatorName, 'Nexttel', sms.operatorName];
    const outcomes = await Promise.all(
      operators.map((operatorName) => broker.send({ ...sms, operatorName })),
    );
    expect(outcomes).toEqual(['unroutable', 'sent', 'unroutable', 'sent']);
  });

  test('publishes nothing that is no longer valid, and all that is valid for longer than RabbitMQ can count', async () => {
    const { broker, clock } = createTestBroker();
    const queue = await phoneQueue();
    expect(await broker.send({ ...sms, validUntil: clock.now() })).toBe('expired');
    expect(await broker.send({ ...sms, validUntil: Date.parse('9999-12-31T23:59:59Z') })).toBe('sent');
    expect((await queue.next()).properties.expiration).toBe(String(2 ** 32 - 1));
    expect(queue.unread).toBe(0);
  });

  test('RabbitMQ gives a phone that was away nothing that is no longer valid', async () => {
    const { broker, clock } = createTestBroker();
    const channel = await openChannel(await connectClient(rabbit().url));
    const key = 'dev1_OUTGOING_SMS.Away';
    const { queue } = await channel.assertQueue('dev1_OUTGOING_SMS_Away', { durable: true });
    await channel.bindQueue(queue, 'DEKU_CLUSTER_SMS', key);
    const late = { ...sms, operatorName: 'Away', networkCodes: [] };
    expect(await broker.send({ ...late, validUntil: clock.now() + 1 })).toBe('sent');
    expect(await broker.send({ ...late, text: 'valid', validUntil: clock.now() + 3_600_000 })).toBe('sent');
    await expect.poll(async () => (await channel.checkQueue(queue)).messageCount).toBe(1);
    const got = await channel.get(queue);
    expect(got && JSON.parse(String(got.content)).text).toBe('valid');
  });

  test('reports that a full queue refused a message', async () => {
    const channel = await openChannel(await connectClient(rabbit().url));
    const key = routingKey(sms.authId, 'Full');
    await channel.assertExchange(exchangeName, 'topic', { durable: true });
    const { queue } = await channel.assertQueue('', {
      exclusive: true,
      maxLength: 1,
      overflow: 'reject-publish',
    });
    await channel.bindQueue(queue, exchangeName, key);
    const { broker } = createTestBroker();
    const full = { ...sms, operatorName: 'Full' };
    expect(await broker.send(full)).toBe('sent');
    expect(await broker.send(full)).toBe('refused');
    expect(await broker.send({ ...sms, operatorName: 'Nobody' })).toBe('unroutable');
  });

  test('accepts a user, a password and a vhost of any characters', async () => {
    const [user, password, vhost] = ['dévé', 'p@ss:wörd/%', 'a/ü'];
    const { manage, port } = rabbit();
    const paths = [vhost, user].map(encodeURIComponent);
    await manage('PUT', `vhosts/${paths[0]}`, {});
    await manage('PUT', `users/${paths[1]}`, { password, tags: '' });
    await manage('PUT', `permissions/${paths.join('/')}`, { configure: '.*', write: '.*', read: '.*' });
    const [name, word, path] = [user, password, vhost].map(encodeURIComponent);
    const { broker } = createTestBroker(`amqp://${name}:${word}@127.0.0.1:${port}/${path}`);
    expect(await broker.send(sms)).toBe('unroutable');
  });

  test('accepts a thousand concurrent messages, and rejects more until these are settled', async () => {
    const queue = await phoneQueue();
    const { broker } = createTestBroker();
    const results = await Promise.allSettled(
      Array.from({ length: 2_000 }, (_, index) => broker.send({ ...sms, text: String(index) })),
    );
    // Those above the concurrency have waited.
    const sent = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(sent).toEqual(Array.from({ length: 2_000 }, () => 'sent'));
    for (let index = 0; index < 2_000; index += 1) {
      expect(JSON.parse(String((await queue.next()).content))).toMatchObject({ text: String(index) });
    }
    expect(await broker.send(sms)).toBe('sent');
  });

  test('holds at most 16 MiB of messages at a time', async () => {
    await phoneQueue();
    const { broker } = createTestBroker();
    const text = 'x'.repeat(1024 * 1024);
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => broker.send({ ...sms, text })));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(20);
    expect(await broker.send({ ...sms, text })).toBe('sent');
  });
});

describe('close', () => {
  test('waits for pending confirms, closes the connection cleanly, and rejects later messages', async () => {
    const queue = await phoneQueue();
    const { broker, clock, log } = createTestBroker();
    const sent = broker.send(sms);
    const closed = broker.close(createDeadline(clock, 5_000));
    expect(broker.close()).toBe(closed);
    expect((await refusalOf(broker.send(sms))).message).toBe('swob is stopping');
    expect(await closed).toBe(0);
    expect(await sent).toBe('sent');
    await queue.next();
    expect(messagesOf(log)).toEqual(['connected to the message broker']);
  });

  test('waits no longer than the deadline, and counts the SMS without a confirm', async () => {
    const { broker, clock } = createTestBroker();
    await broker.send(sms);
    rabbit().freeze();
    onTestFinished(() => rabbit().thaw());
    const sent = broker.send(sms);
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    const closed = broker.close(createDeadline(clock, 2_000));
    clock.advance(1_750);
    await vi.waitFor(() => expect(clock.pending).toBe(3));
    clock.advance(250);
    expect(await closed).toBe(1);
    clock.advance(timeoutMs);
    expect(await sent).toBe('unconfirmed');
  });

  test('leaves no connection to a broker that never responds', async () => {
    const sockets = new Set<Socket>();
    const port = await listen((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    const { broker, log } = createTestBroker(`amqp://127.0.0.1:${port}`);
    await vi.waitFor(() => expect(sockets.size).toBe(1));
    await broker.close();
    await vi.waitFor(() => expect(sockets.size).toBe(0));
    expect(log.lines).toEqual([]);
  });
});

test.each(['', 'http://localhost', 'amqp://'])('the URL %j is rejected', (url) => {
  expect(() =>
    createTestClient({ url, timeoutMs, clock: createFakeClock(), log: createMemoryLog() }),
  ).toThrow(expect.objectContaining({ code: 'CONFIG' }));
});
