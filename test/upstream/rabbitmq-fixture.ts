// Clients of a real RabbitMQ for tests, and gateway phones that read from it.

import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished, vi } from 'vitest';
import { exchangeName, queueName, routingKey } from '../../src/domain/outgoing/broker-names.ts';
import type { OutgoingSms } from '../../src/domain/outgoing/model.ts';
import type { SendResult } from '../../src/domain/outgoing/ports.ts';
import { createRoutesHealth, type RoutesHealth } from '../../src/domain/outgoing/routes-health.ts';
import { SwobError } from '../../src/errors.ts';
import { type BrokerOptions, createBroker, type WatchedBroker } from '../../src/upstream/rabbitmq.ts';
import { connectClient, consumeQueue, openChannel, type TestQueue } from '../support/amqp-client.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { createMemoryLog, type MemoryLog } from '../support/log.ts';
import { rabbitForFile } from '../support/rabbitmq.ts';

export const timeoutMs = 10_000;
/** Longer than any message waits for a connection. */
export const queueTimeoutMs = 2_000;

export const sms: OutgoingSms = {
  authId: 'dev1',
  operatorName: 'MTN Cameroon',
  number: '+237650000001',
  text: 'hi',
  callingCode: '237',
  networkCodes: ['62401'],
  sid: '1',
};

/** A client that no test has taught about routes. */
export function createTestClient(options: Omit<BrokerOptions, 'routes'>): WatchedBroker {
  return createBroker({ ...options, routes: createRoutesHealth({ maxFailures: 5, ...options }) });
}

interface TestBroker {
  /** Resolves to the kinds of results. */
  readonly broker: Omit<WatchedBroker, 'send'> & {
    readonly send: (sms: OutgoingSms) => Promise<SendResult['kind']>;
  };
  readonly routes: RoutesHealth;
  readonly clock: FakeClock;
  readonly log: MemoryLog;
}

/** A broker for all tests of a file, clients of it, and the queues of its phones. */
export function brokerForFile() {
  const rabbit = rabbitForFile();

  function createTestBroker(url = rabbit().url): TestBroker {
    const clock = createFakeClock();
    const log = createMemoryLog();
    const routes = createRoutesHealth({ maxFailures: 5, clock, log });
    const { send, ...rest } = createBroker({ url, timeoutMs, clock, log, routes });
    const broker = { ...rest, send: async (each: OutgoingSms) => (await send(each)).kind };
    onTestFinished(async () => {
      const closed = broker.close();
      clock.advance(timeoutMs);
      await vi.waitFor(() => {
        clock.advance(timeoutMs);
        expect(clock.pending).toBe(0);
      });
      await closed;
    });
    return { broker, routes, clock, log };
  }

  /** A queue of the phones of this operator, empty. */
  async function phoneQueue(operatorName = sms.operatorName): Promise<TestQueue> {
    const channel = await openChannel(await connectClient(rabbit().url));
    const queue = queueName(sms.authId, operatorName);
    await channel.assertExchange(exchangeName, 'topic', { durable: true });
    await channel.deleteQueue(queue);
    return consumeQueue(channel, queue, routingKey(sms.authId, operatorName));
  }

  return { rabbit, createTestBroker, phoneQueue };
}

export async function refusalOf(sent: Promise<unknown>): Promise<SwobError> {
  const error = await sent.then(
    (outcome) => new Error(`it was ${String(outcome)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof SwobError)) throw error;
  expect(error.code).toBe('UNAVAILABLE');
  expect(error.retryAfter).toBeGreaterThan(0);
  return error;
}

export const messagesOf = (log: MemoryLog): string[] => log.lines.map(({ message }) => message);

/** A server that does this with each connection; it closes with the test. */
export async function listen(onSocket: (socket: Socket) => void): Promise<number> {
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
