// Outages of a real RabbitMQ, of its exchange and its memory, and a wrong password: /readyz shows them, and SMS are sent again
// afterwards.

import type { Socket } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  developerExchangeName,
  exchangeName,
  networkRoutingKey,
  queueName,
} from '../../src/domain/outgoing/broker-names.ts';
import { connectClient, openChannel } from '../support/amqp-client.ts';
import { bindDekuPhone, takeAll } from '../support/deku-phone.ts';
import {
  brokerForFile,
  listen,
  messagesOf,
  queueTimeoutMs,
  refusalOf,
  sms,
  timeoutMs,
} from './rabbitmq-fixture.ts';

const { rabbit, createTestBroker, phoneQueue } = brokerForFile();

describe('an outage', () => {
  test('before the confirm leaves the message unconfirmed, and no other phone gets it; once it is over, SMS are sent again', async () => {
    const other = await phoneQueue();
    const channel = await openChannel(await connectClient(rabbit().url));
    const exchange = developerExchangeName(sms.authId);
    const queue = await bindDekuPhone(channel, exchange, networkRoutingKey(sms.authId, '237', '62401'));
    const { broker, log } = createTestBroker();
    expect(broker.state()).toBe('unreachable');
    expect(await broker.send(sms)).toBe('sent');
    expect(broker.state()).toBe('ok');
    await rabbit().flushQueueList();
    rabbit().freeze();
    const sent = broker.send(sms);
    await rabbit().kill();
    expect(await sent).toBe('unconfirmed');
    expect(broker.state()).toBe('unreachable');
    const waiting = broker.send(sms);
    await rabbit().restart();
    expect(await waiting).toBe('sent');
    expect(broker.state()).toBe('ok');
    expect(messagesOf(log)).toEqual([
      'connected to the message broker',
      'lost the message broker; reconnecting',
      'cannot connect to the message broker; retrying',
      'connected to the message broker',
    ]);
    const reopened = await openChannel(await connectClient(rabbit().url));
    expect(await takeAll(reopened, queue)).toHaveLength(2);
    await reopened.deleteQueue(queue);
    expect(other.unread).toBe(0);
    expect(await reopened.checkQueue(queueName(sms.authId, sms.operatorName))).toMatchObject({
      messageCount: 0,
    });
  });

  test('from the start makes SMS wait, but not for long, and not all of them', async () => {
    await phoneQueue();
    await rabbit().flushQueueList();
    await rabbit().kill();
    const { broker, clock, log } = createTestBroker();
    const waiting = broker.send(sms);
    await vi.waitFor(() => expect(log.lines).toHaveLength(1));
    clock.advance(queueTimeoutMs - 1);
    expect(clock.pending).toBe(1);
    clock.advance(1);
    expect((await refusalOf(waiting)).message).toBe('there is no connection to the message broker');
    await refusalOf(broker.send(sms));
    expect(clock.pending).toBe(0);
    await rabbit().restart();
    await vi.waitFor(async () => expect(await broker.send(sms)).toBe('sent'), { timeout: 10_000 });
    expect(log.lines[0]).toMatchObject({ level: 'warn', fields: { reason: 'ECONNREFUSED' } });
  });

  test('that continues is logged once, however many attempts fail', async () => {
    const accepted: Socket[] = [];
    const port = await listen((socket) => {
      accepted.push(socket);
      socket.destroy();
    });
    const { log } = createTestBroker(`amqp://me:s3cret@127.0.0.1:${port}`);
    await vi.waitFor(() => expect(accepted.length).toBeGreaterThan(3), { timeout: 10_000 });
    expect(messagesOf(log)).toEqual(['cannot connect to the message broker; retrying']);
  });

  test('in which the broker is reachable but silent ends the wait for a confirm', async () => {
    await phoneQueue();
    const { broker, clock } = createTestBroker();
    expect(await broker.send(sms)).toBe('sent');
    rabbit().freeze();
    onTestFinished(() => rabbit().thaw());
    const sent = broker.send(sms);
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    expect(broker.state()).toBe('ok');
    clock.advance(timeoutMs);
    expect(await sent).toBe('unconfirmed');
    expect(broker.state()).toBe('slow');
    rabbit().thaw();
    expect(await broker.send(sms)).toBe('sent');
    expect(broker.state()).toBe('ok');
  });

  test('of confirms alone leads to a new connection', async () => {
    await phoneQueue();
    const { broker, clock, log } = createTestBroker();
    expect(await broker.send(sms)).toBe('sent');
    rabbit().freeze();
    onTestFinished(() => rabbit().thaw());
    const sent = Array.from({ length: 500 }, () => broker.send(sms));
    await vi.waitFor(() => expect(clock.pending).toBe(500));
    clock.advance(timeoutMs);
    expect(new Set(await Promise.all(sent))).toEqual(new Set(['unconfirmed']));
    const waiting = broker.send(sms);
    rabbit().thaw();
    expect(await waiting).toBe('sent');
    expect(log.lines.map(({ fields }) => fields)).toContainEqual(
      expect.objectContaining({ reason: '500 SMS unconfirmed for over 10000 ms' }),
    );
    // Those no longer count: one more late confirm does not renew the connection again.
    rabbit().freeze();
    const late = broker.send(sms);
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    clock.advance(timeoutMs);
    expect(await late).toBe('unconfirmed');
    rabbit().thaw();
    expect(await broker.send(sms)).toBe('sent');
    expect(messagesOf(log).filter((message) => message.startsWith('lost'))).toHaveLength(1);
  });

  test('of memory rejects SMS until memory is available again', async () => {
    await phoneQueue();
    const { broker, log } = createTestBroker();
    expect(await broker.send(sms)).toBe('sent');
    const setWatermark = (share: string) => rabbit().ctl('set_vm_memory_high_watermark', share);
    // Each rabbitmqctl starts an Erlang node, which takes a second of CPU time.
    let isLow = true;
    onTestFinished(async () => void (isLow && (await setWatermark('0.6'))));
    await setWatermark('0.000001');
    // The broker notifies publishers, and reads nothing more from them.
    const held: Promise<string>[] = [];
    await vi.waitFor(() => {
      if (log.lines.length === 1) held.push(broker.send(sms));
      expect(log.lines).toHaveLength(2);
    });
    const { message } = await refusalOf(broker.send(sms));
    expect(message).toBe('the message broker is short of memory or disk and takes no SMS for now');
    await setWatermark('0.6');
    isLow = false;
    expect(new Set(await Promise.all(held))).toEqual(new Set(['sent']));
    expect(await broker.send(sms)).toBe('sent');
    expect(messagesOf(log).slice(1)).toEqual([
      'the message broker is short of memory or disk and accepts no SMS',
      'the message broker accepts SMS again',
    ]);
  });

  test('by a wrong password is reported without the password', async () => {
    const { broker, clock, log } = createTestBroker(rabbit().url.replace('guest:guest', 'guest:s3cret'));
    const waiting = broker.send(sms);
    await vi.waitFor(() => expect(log.lines).toHaveLength(1), { timeout: 10_000 });
    expect(log.lines).toEqual([
      {
        level: 'warn',
        fields: { broker: `127.0.0.1:${rabbit().port}`, reason: '403 ACCESS-REFUSED' },
        message: 'cannot connect to the message broker; retrying',
      },
    ]);
    clock.advance(queueTimeoutMs);
    await refusalOf(waiting);
  });

  test('of the exchange alone ends: it is created again', async () => {
    const { broker, log } = createTestBroker();
    expect(await broker.send({ ...sms, operatorName: 'Nobody' })).toBe('unroutable');
    await rabbit().manage('DELETE', `exchanges/%2F/${exchangeName}`);
    expect(await broker.send(sms)).toBe('unconfirmed');
    await phoneQueue();
    expect(await broker.send(sms)).toBe('sent');
    expect(log.lines.map(({ fields }) => fields)).toContainEqual(
      expect.objectContaining({ reason: '404 NOT-FOUND' }),
    );
  });
});
