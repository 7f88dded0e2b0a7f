// Plain AMQP clients, like existing gateway phones; closed when the test ends.

import { type Channel, type ChannelModel, type ConsumeMessage, connect } from 'amqplib';
import { exchangeName } from '../../src/domain/outgoing/broker-names.ts';
import { onEnd } from './teardown.ts';

/** Connects; rejects as amqplib does. */
export async function connectClient(url: string): Promise<ChannelModel> {
  const model = await connect(url, { noDelay: true });
  model.on('error', () => undefined);
  onEnd(() => model.close().catch(() => undefined));
  return model;
}

/** A channel whose errors reject only the call that caused them. */
export async function openChannel(model: ChannelModel): Promise<Channel> {
  const channel = await model.createChannel();
  channel.on('error', () => undefined);
  return channel;
}

export interface TestQueue {
  /** The next message, acknowledged. */
  next(): Promise<ConsumeMessage>;
  /** Messages that arrived and were not taken by `next`. */
  readonly unread: number;
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
    get unread() {
      return unread.length;
    },
    next: () => {
      const message = unread.shift();
      return message ? Promise.resolve(message) : new Promise((resolve) => waiting.push(resolve));
    },
  };
}
