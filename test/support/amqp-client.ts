// Plain clients of a broker, as the gateway phones of today are; they close with the test.

import { type Channel, type ChannelModel, type ConsumeMessage, connect } from 'amqplib';
import { onTestFinished } from 'vitest';
import { exchangeName } from '../../src/domain/outgoing-names.ts';

/** Connects; rejects as amqplib does. */
export async function connectClient(url: string): Promise<ChannelModel> {
  const model = await connect(url, { noDelay: true });
  model.on('error', () => undefined);
  onTestFinished(() => model.close().catch(() => undefined));
  return model;
}

/** A channel whose errors reject what caused them, and nothing else. */
export async function openChannel(model: ChannelModel): Promise<Channel> {
  const channel = await model.createChannel();
  channel.on('error', () => undefined);
  return channel;
}

export interface TestQueue {
  /** The next message, acknowledged. */
  next(): Promise<ConsumeMessage>;
}

/** Declares a durable queue, binds it with this key, and consumes it. */
export async function consumeQueue(channel: Channel, queue: string, key: string): Promise<TestQueue> {
  await channel.assertQueue(queue, { durable: true });
  await channel.bindQueue(queue, exchangeName, key);
  const unread: ConsumeMessage[] = [];
  const waiting: ((message: ConsumeMessage) => void)[] = [];
  await channel.consume(queue, (message) => {
    if (!message) return;
    channel.ack(message);
    const waiter = waiting.shift();
    if (waiter) waiter(message);
    else unread.push(message);
  });
  return {
    next: () => {
      const message = unread.shift();
      return message ? Promise.resolve(message) : new Promise((resolve) => waiting.push(resolve));
    },
  };
}
