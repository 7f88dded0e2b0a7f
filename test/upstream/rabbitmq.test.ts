import { createServer, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { OutgoingSms } from '../../src/domain/model.ts';
import { exchangeName, queueName, routingKey } from '../../src/domain/outgoing-names.ts';
import type { Broker } from '../../src/domain/upstreams.ts';
import { SwobError } from '../../src/errors.ts';
import { createBroker } from '../../src/upstream/rabbitmq.ts';
import { connectClient, consumeQueue, openChannel, type TestQueue } from '../support/amqp-client.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { createMemoryLog, type MemoryLog } from '../support/log.ts';
import { rabbitForFile } from '../support/rabbitmq.ts';

const rabbit = rabbitForFile();
const timeoutMs = 10_000;
/** Longer than anybody waits for a connection. */
const patienceMs = 2_000;

const sms: OutgoingSms = {
  authId: 'dev1',
  operatorName: 'MTN Cameroon',
  number: '+237650000001',
  text: 'hi',
};

interface World {
  readonly broker: Broker;
  readonly clock: FakeClock;
  readonly log: MemoryLog;
}

function createWorld(url = rabbit().url): World {
  const clock = createFakeClock();
  const log = createMemoryLog();
  const broker = createBroker({ url, timeoutMs, clock, log });
  onTestFinished(async () => {
    const closed = broker.close();
    clock.advance(timeoutMs);
    await vi.waitFor(() => {
      clock.advance(timeoutMs);
      expect(clock.pending).toBe(0);
    });
    await closed;
  });
  return { broker, clock, log };
}

/** A queue of the phones of this operator, empty. */
async function phoneQueue(operatorName = sms.operatorName): Promise<TestQueue> {
  const channel = await openChannel(await connectClient(rabbit().url));
  const queue = queueName(sms.authId, operatorName);
  await channel.assertExchange(exchangeName, 'topic', { durable: true });
  await channel.deleteQueue(queue);
  return consumeQueue(channel, queue, routingKey(sms.authId, operatorName));
}

async function refusalOf(sent: Promise<unknown>): Promise<SwobError> {
  const error = await sent.then(
    (outcome) => new Error(`it was ${String(outcome)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof SwobError)) throw error;
  expect(error.code).toBe('UNAVAILABLE');
  expect(error.retryAfter).toBeGreaterThan(0);
  return error;
}

const messagesOf = (log: MemoryLog): string[] => log.lines.map(({ message }) => message);

describe('send', () => {
  test('gives the queue of the operator exactly what gateway phones read', async () => {
    const queue = await phoneQueue();
    const { broker } = createWorld();
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

  test('says unroutable for an operator without a queue, and only for that one', async () => {
    await phoneQueue();
    const { broker } = createWorld();
    const operators = ['Orange', sms.operatorName, 'Nexttel', sms.operatorName];
    const outcomes = await Promise.all(
      operators.map((operatorName) => broker.send({ ...sms, operatorName })),
    );
    expect(outcomes).toEqual(['unroutable', 'sent', 'unroutable', 'sent']);
  });

  test('says that a queue which takes no more refused a message', async () => {
    const channel = await openChannel(await connectClient(rabbit().url));
    const key = routingKey(sms.authId, 'Full');
    await channel.assertExchange(exchangeName, 'topic', { durable: true });
    const { queue } = await channel.assertQueue('', {
      exclusive: true,
      maxLength: 1,
      overflow: 'reject-publish',
    });
    await channel.bindQueue(queue, exchangeName, key);
    const { broker } = createWorld();
    const full = { ...sms, operatorName: 'Full' };
    expect(await broker.send(full)).toBe('sent');
    expect(await broker.send(full)).toBe('refused');
    expect(await broker.send({ ...sms, operatorName: 'Nobody' })).toBe('unroutable');
  });

  test('takes a user, a password and a vhost of any characters', async () => {
    const [user, password, vhost] = ['dévé', 'p@ss:wörd/%', 'a/ü'];
    const { manage, port } = rabbit();
    const paths = [vhost, user].map(encodeURIComponent);
    await manage('PUT', `vhosts/${paths[0]}`, {});
    await manage('PUT', `users/${paths[1]}`, { password, tags: '' });
    await manage('PUT', `permissions/${paths.join('/')}`, { configure: '.*', write: '.*', read: '.*' });
    const [name, word, path] = [user, password, vhost].map(encodeURIComponent);
    const { broker } = createWorld(`amqp://${name}:${word}@127.0.0.1:${port}/${path}`);
    expect(await broker.send(sms)).toBe('unroutable');
  });

  test('takes a thousand at once, and refuses more until these are settled', async () => {
    const queue = await phoneQueue();
    const { broker } = createWorld();
    const results = await Promise.allSettled(
      Array.from({ length: 2_000 }, (_, index) => broker.send({ ...sms, text: String(index) })),
    );
    // Those above the bound have waited for their turn.
    const sent = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(sent).toEqual(Array.from({ length: 2_000 }, () => 'sent'));
    for (let index = 0; index < 2_000; index += 1) {
      expect(JSON.parse(String((await queue.next()).content))).toMatchObject({ text: String(index) });
    }
    expect(await broker.send(sms)).toBe('sent');
  });

  test('holds no more than 16 MiB at once', async () => {
    await phoneQueue();
    const { broker } = createWorld();
    const text = 'x'.repeat(1024 * 1024);
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => broker.send({ ...sms, text })));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(20);
    expect(await broker.send({ ...sms, text })).toBe('sent');
  });
});

describe('an outage', () => {
  test('before the confirm leaves the message unconfirmed; once it is over, SMS are sent again', async () => {
    await phoneQueue();
    const { broker, log } = createWorld();
    expect(await broker.send(sms)).toBe('sent');
    await rabbit().writeDown();
    rabbit().freeze();
    const sent = broker.send(sms);
    await rabbit().kill();
    expect(await sent).toBe('unconfirmed');
    const waiting = broker.send(sms);
    await rabbit().restart();
    expect(await waiting).toBe('sent');
    expect(messagesOf(log)).toEqual([
      'connected to the message broker',
      'lost the message broker; connecting again',
      'cannot connect to the message broker; trying again and again',
      'connected to the message broker',
    ]);
  });

  test('that was there from the start is waited for, but not for long, and not by everyone', async () => {
    await phoneQueue();
    await rabbit().writeDown();
    await rabbit().kill();
    const { broker, clock, log } = createWorld();
    const waiting = broker.send(sms);
    await vi.waitFor(() => expect(log.lines).toHaveLength(1));
    clock.advance(patienceMs - 1);
    expect(clock.pending).toBe(1);
    clock.advance(1);
    expect((await refusalOf(waiting)).message).toBe('there is no connection to the message broker');
    await refusalOf(broker.send(sms));
    expect(clock.pending).toBe(0);
    await rabbit().restart();
    await vi.waitFor(async () => expect(await broker.send(sms)).toBe('sent'), { timeout: 10_000 });
    expect(log.lines[0]).toMatchObject({ level: 'warn', fields: { reason: 'ECONNREFUSED' } });
  });

  test('that goes on is logged once, however often it is tried', async () => {
    const accepted: Socket[] = [];
    const port = await listen((socket) => {
      accepted.push(socket);
      socket.destroy();
    });
    const { log } = createWorld(`amqp://me:s3cret@127.0.0.1:${port}`);
    await vi.waitFor(() => expect(accepted.length).toBeGreaterThan(3), { timeout: 10_000 });
    expect(messagesOf(log)).toEqual(['cannot connect to the message broker; trying again and again']);
  });

  test('in which the broker is there, but silent, ends the wait for a confirm', async () => {
    await phoneQueue();
    const { broker, clock } = createWorld();
    expect(await broker.send(sms)).toBe('sent');
    rabbit().freeze();
    onTestFinished(() => rabbit().thaw());
    const sent = broker.send(sms);
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    clock.advance(timeoutMs);
    expect(await sent).toBe('unconfirmed');
    rabbit().thaw();
    expect(await broker.send(sms)).toBe('sent');
  });

  test('of confirms alone is answered with a new connection', async () => {
    await phoneQueue();
    const { broker, clock, log } = createWorld();
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
    // Those are forgotten: one more that is late is no reason for another one.
    rabbit().freeze();
    const late = broker.send(sms);
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    clock.advance(timeoutMs);
    expect(await late).toBe('unconfirmed');
    rabbit().thaw();
    expect(await broker.send(sms)).toBe('sent');
    expect(messagesOf(log).filter((message) => message.startsWith('lost'))).toHaveLength(1);
  });

  test('of memory refuses SMS until there is memory again', async () => {
    await phoneQueue();
    const { broker, log } = createWorld();
    expect(await broker.send(sms)).toBe('sent');
    onTestFinished(async () => void (await rabbit().ctl('set_vm_memory_high_watermark', '0.6')));
    await rabbit().ctl('set_vm_memory_high_watermark', '0.000001');
    // The broker tells those who send, and reads nothing more of them.
    const held: Promise<string>[] = [];
    await vi.waitFor(() => {
      if (log.lines.length === 1) held.push(broker.send(sms));
      expect(log.lines).toHaveLength(2);
    });
    const { message } = await refusalOf(broker.send(sms));
    expect(message).toBe('the message broker is short of memory or disk and takes no SMS for now');
    await rabbit().ctl('set_vm_memory_high_watermark', '0.6');
    expect(new Set(await Promise.all(held))).toEqual(new Set(['sent']));
    expect(await broker.send(sms)).toBe('sent');
    expect(messagesOf(log).slice(1)).toEqual([
      'the message broker is short of memory or disk and takes no SMS',
      'the message broker takes SMS again',
    ]);
  });

  test('by a wrong password is told without it', async () => {
    const { broker, clock, log } = createWorld(rabbit().url.replace('guest:guest', 'guest:s3cret'));
    const waiting = broker.send(sms);
    await vi.waitFor(() => expect(log.lines).toHaveLength(1), { timeout: 10_000 });
    expect(log.lines).toEqual([
      {
        level: 'warn',
        fields: { broker: `127.0.0.1:${rabbit().port}`, reason: '403 ACCESS-REFUSED' },
        message: 'cannot connect to the message broker; trying again and again',
      },
    ]);
    clock.advance(patienceMs);
    await refusalOf(waiting);
  });

  test('of the exchange alone heals: it is made anew', async () => {
    const { broker, log } = createWorld();
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

describe('close', () => {
  test('waits for the confirms under way, says goodbye, and refuses what comes later', async () => {
    const queue = await phoneQueue();
    const { broker, log } = createWorld();
    const sent = broker.send(sms);
    const closed = broker.close();
    expect(broker.close()).toBe(closed);
    expect((await refusalOf(broker.send(sms))).message).toBe('swob is stopping');
    await closed;
    expect(await sent).toBe('sent');
    await queue.next();
    expect(messagesOf(log)).toEqual(['connected to the message broker']);
  });

  test('waits for nothing longer than 6 s', async () => {
    const { broker, clock } = createWorld();
    await broker.send(sms);
    rabbit().freeze();
    onTestFinished(() => rabbit().thaw());
    const sent = broker.send(sms);
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    const closed = broker.close();
    clock.advance(5_000);
    await vi.waitFor(() => expect(clock.pending).toBe(2));
    clock.advance(1_000);
    await closed;
    expect(await sent).toBe('unconfirmed');
  });

  test('leaves no connection to a broker that never says hello', async () => {
    const sockets = new Set<Socket>();
    const port = await listen((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    const { broker, log } = createWorld(`amqp://127.0.0.1:${port}`);
    await vi.waitFor(() => expect(sockets.size).toBe(1));
    await broker.close();
    await vi.waitFor(() => expect(sockets.size).toBe(0));
    expect(log.lines).toEqual([]);
  });
});

test.each(['', 'http://localhost', 'amqp://'])('the URL %j is refused', (url) => {
  expect(() => createBroker({ url, timeoutMs, clock: createFakeClock(), log: createMemoryLog() })).toThrow(
    expect.objectContaining({ code: 'CONFIG' }),
  );
});

/** A server that does this with each connection; it closes with the test. */
async function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined).resume();
    onSocket(socket);
  });
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}
