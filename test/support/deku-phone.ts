// A phone with DekuSMS, as its code of June 2026 talks to the broker: it declares the exchange itself, and a queue named after
// its binding.

import type { Channel, ConsumeMessage } from 'amqplib';

/** Declares and binds with exactly the arguments of DekuSMS, in its order. @returns the name of the queue */
export async function bindDekuPhone(channel: Channel, exchange: string, binding: string): Promise<string> {
  await channel.prefetch(1);
  await channel.recover();
  await channel.assertExchange(exchange, 'topic', { durable: true, autoDelete: false, internal: false });
  const queue = binding.replaceAll('.', '_');
  await channel.assertQueue(queue, { durable: true, exclusive: false, autoDelete: false });
  await channel.bindQueue(queue, exchange, binding);
  await channel.assertExchange(exchange, 'topic', { durable: true, autoDelete: false, internal: false });
  return queue;
}

/** Takes the messages that wait in a queue, in order, and acknowledges them. */
export async function takeAll(channel: Channel, queue: string): Promise<ConsumeMessage['content'][]> {
  const bodies: Buffer[] = [];
  for (let got = await channel.get(queue); got; got = await channel.get(queue)) {
    channel.ack(got);
    bodies.push(got.content);
  }
  return bodies;
}
