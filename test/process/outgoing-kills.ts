// What outgoing-kills.test.ts watches an installation with: every SMS that is published, and every callback.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'amqplib';
import { expect, vi } from 'vitest';
import { signWebhook } from '../../src/crypto/webhook-signature.ts';
import { isObject, parseJson } from '../../src/lib/json.ts';
import { onEnd } from '../support/teardown.ts';

export interface PublishedSms {
  readonly id: number;
  readonly text: string;
}

export interface StateCall {
  readonly webhookId: string;
  readonly type: string;
  readonly message: string;
}

/**
 * Every SMS that RabbitMQ puts into the queue of a second phone of the developer, as often as it was published: what is delivered
 * again after a lost connection does not count. Reconnects, as RabbitMQ is killed.
 */
export async function watchPublished(url: string, exchange: string): Promise<readonly PublishedSms[]> {
  const published: PublishedSms[] = [];
  const queue = 'published';
  let isEnded = false;
  let close = async (): Promise<void> => {};
  const consume = async (): Promise<void> => {
    const connection = await connect(url);
    connection.on('error', () => undefined);
    close = () => connection.close().catch(() => undefined);
    connection.once('close', () => {
      if (!isEnded) void vi.waitFor(consume, { interval: 100 }).catch(() => undefined);
    });
    const channel = await connection.createChannel();
    channel.on('error', () => undefined);
    await channel.assertExchange(exchange, 'topic', { durable: true });
    await channel.assertQueue(queue, { durable: true });
    await channel.bindQueue(queue, exchange, '#');
    await channel.consume(queue, (message) => {
      if (!message) return;
      if (!message.fields.redelivered) published.push(JSON.parse(String(message.content)));
      channel.ack(message);
    });
  };
  await consume();
  onEnd(async () => {
    isEnded = true;
    await close();
  });
  return published;
}

/** A developer's server, which fails every seventeenth callback after it has read it. */
export async function watchCallbacks(
  secret: string,
): Promise<{ readonly url: string; readonly calls: readonly StateCall[] }> {
  const calls: StateCall[] = [];
  let count = 0;
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signature } = request.headers;
    const isSigned = signature === signWebhook(secret, String(id), Number(time), text);
    const body = parseJson(text);
    if (isSigned && isObject(body) && isObject(body.data) && typeof body.type === 'string')
      calls.push({ webhookId: String(id), type: body.type, message: String(body.data.id) });
    response.writeHead(++count % 17 === 0 ? 500 : 204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  // Sound: it listens at a TCP port.
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/states`, calls };
}

/** States of each message as its developer learnt them, each callback once, in the order of arrival. */
export function statesOf(calls: readonly StateCall[]): ReadonlyMap<string, readonly string[]> {
  const typeOf = new Map<string, string>();
  const states = new Map<string, string[]>();
  for (const { webhookId, type, message } of calls) {
    const known = typeOf.get(webhookId);
    // A callback that is repeated says the same.
    if (known !== undefined) expect(known).toBe(`${message} ${type}`);
    else states.set(message, [...(states.get(message) ?? []), type.replace('sms.', '')]);
    typeOf.set(webhookId, `${message} ${type}`);
  }
  return states;
}
